/** The one place that looks into fibers: each function here wraps what Effect 4 has no counterpart of, or names differently. */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as HashSet from "effect/HashSet"
import type * as Logger from "effect/Logger"
import * as Runtime from "effect/Runtime"

/** Runs an effect with this logger alone: without that of the terminal, which `NodeRuntime.runMain` has put in. */
// v3: `Effect.provide(Logger.layer([logger]))` in Effect 4.
export const withOnlyLogger =
  (logger: Logger.Logger<unknown, unknown>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.locally(effect, FiberRef.currentLoggers, HashSet.make(logger))

/** Starts fibers from a callback, with the services of the caller. */
// v3: `Effect.runForkWith(context)` in Effect 4.
export const runFork = Effect.map(Effect.runtime<never>(), (runtime) => Runtime.runFork(runtime))
