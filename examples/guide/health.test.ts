import type { DisquePool } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { HttpClient } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schedule } from "effect"
import { Health } from "./health.js"
import { PrintingMailer } from "./mailer.js"
import { SendEmails } from "./sendEmails.js"

const status = (path: string) => Effect.map(HttpClient.get(path), (response) => response.status)

const Service = (worker: Layer.Layer<never, never, DisquePool>) =>
  Layer.merge(worker, Health).pipe(
    Layer.provideMerge(NodeHttpServer.layerTest),
    Layer.provide(EmbeddedDisque.layerPool)
  )

it.live("a service is well while its worker fetches jobs, and ready while a node takes commands", () =>
  Effect.gen(function* () {
    const isWell = status("/health").pipe(Effect.filterOrFail((code) => code === 200))
    yield* Effect.retry(isWell, Schedule.spaced("50 millis"))
    assert.strictEqual(yield* status("/ready"), 200)
  }).pipe(Effect.provide(Service(Layer.orDie(Layer.provide(SendEmails, PrintingMailer)))))
)

it.live("a service that fetches nothing is not well", () =>
  Effect.gen(function* () {
    assert.strictEqual(yield* status("/health"), 503)
  }).pipe(Effect.provide(Service(Layer.empty)))
)
