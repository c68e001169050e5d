import { createServer } from "node:net"
import { DisquePool, JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Worker } from "@disco/funnel"
import * as WorkerProcess from "@disco/node/WorkerProcess"
import { HttpClient } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Metric, Schedule, Schema } from "effect"

const mails = JobQueue.make("mails", { payload: Schema.Struct({ to: Schema.String }) })

const mailsSent = Metric.counter("mails.sent", { description: "Mails that the mail server took", incremental: true })

const Sending = Worker.layer(mails, ({ to }) =>
  Effect.logDebug(`to ${to}`).pipe(Effect.zipRight(Metric.increment(Metric.tagged(mailsSent, "kind", "welcome"))))
)

const freePort = Effect.async<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

it.live("Prometheus is told of your own metrics, beside those of Disco", () =>
  Effect.gen(function* () {
    const port = yield* freePort
    const pool = yield* DisquePool
    yield* WorkerProcess.run(Sending, { port, pool: Layer.succeed(DisquePool, pool) }).pipe(
      Logger.withMinimumLogLevel(LogLevel.Warning),
      Effect.forkScoped
    )
    yield* mails.add(pool, { to: "ada@example.com" })
    const metrics = HttpClient.get(`http://127.0.0.1:${port}/metrics`).pipe(
      Effect.flatMap(({ text }) => text),
      Effect.filterOrFail((text) => text.includes('mails_sent{kind="welcome"} 1\n')),
      Effect.retry(Schedule.spaced("50 millis"))
    )
    const text = yield* metrics
    assert.match(text, /^disco_worker_jobs\{.*outcome="done".*\} \d+$/m)
    assert.match(text, /^disco_last_fetch_age_seconds\{messaging_destination_name="mails"\} [\d.]+$/m)
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(EmbeddedDisque.layerPool, NodeHttpClient.layer)))
)
