import type { DisqueConnection, DisquePool } from "@disco/core"
import { it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"

/**
 * A way to a node, and how time passes there.
 *
 * @since 0.1.0
 * @category models
 */
export interface Backend {
  /** What the tests are named after: `"over my link"`. */
  readonly name: string
  /**
   * A connection, and a pool whose option `maxActive` is 2 and whose `acquireTimeout` is 500 ms. It is built for each test. If nodes are
   * real, a `slice` of 500 ms makes the tests faster.
   */
  readonly layer: Layer.Layer<DisqueConnection | DisquePool, unknown>
  /** `virtual` if the nodes and the links live by Effect's `Clock`: then the tests move it. */
  readonly time: "virtual" | "real"
}

type Body = () => Effect.Effect<unknown, unknown, Scope.Scope>

/** What the tests are given of a backend. */
export interface Prepared extends Backend {
  readonly test: (name: string, body: Body) => void
  /** Lets time pass. */
  readonly pass: (duration: Duration.DurationInput) => Effect.Effect<void>
  /** Lets what is under way arrive. */
  readonly settle: Effect.Effect<void>
}

const virtual = { test: it.scoped, pass: TestClock.adjust, settle: TestClock.adjust(0) }

/** As under `TestContext`, nothing is logged: what is a warning elsewhere is what a test is about. */
const real = {
  test: (name: string, body: Body) =>
    it.scopedLive(name, () => Effect.provide(body(), Logger.remove(Logger.defaultLogger))),
  pass: (duration: Duration.DurationInput) => Effect.sleep(duration),
  settle: Effect.sleep(Duration.millis(30))
}

export const prepare = (backend: Backend): Prepared => ({
  ...backend,
  ...(backend.time === "virtual" ? virtual : real)
})
