import type { DisqueConnection, DisquePool } from "@disco/core"
import { it } from "@effect/vitest"
import type { Duration, Layer, Scope } from "effect"
import { Effect, Logger, TestClock } from "effect"

/** A way to a node, and how time passes there. */
export interface Backend {
  readonly name: string
  readonly layer: Layer.Layer<DisqueConnection | DisquePool, unknown>
  readonly test: (name: string, body: () => Effect.Effect<unknown, unknown, Scope.Scope>) => void
  /** Lets time pass. */
  readonly pass: (duration: Duration.DurationInput) => Effect.Effect<void>
  /** Lets what is under way arrive. */
  readonly settle: Effect.Effect<void>
}

const yields = Effect.forEach(Array.from({ length: 20 }), () => Effect.yieldNow(), { discard: true })

/** Time passes when the test says so. */
export const virtual = { test: it.scoped, pass: TestClock.adjust, settle: yields }

/** Time passes by itself. As under `TestContext`, nothing is logged: what is a warning elsewhere is what a test is about. */
export const real = {
  test: (name: string, body: () => Effect.Effect<unknown, unknown, Scope.Scope>) =>
    it.scopedLive(name, () => Effect.provide(body(), Logger.remove(Logger.defaultLogger))),
  pass: (duration: Duration.DurationInput) => Effect.sleep(duration),
  settle: Effect.sleep("30 millis")
}
