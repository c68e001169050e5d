/** Programs that run in a test as if each had a process of its own. */
import type { DisqueConnection, DisqueDialer, DisquePool } from "@disco/core"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { clients, type DiscoTest, harness } from "./harness.js"

/** What a process has of its own. */
type Own = DisquePool | DisqueConnection | DisqueDialer | Scope.Scope

/**
 * A program that runs as if in a process of its own. It ends with the test, by `stop`, or by `crash`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Process {
  /**
   * As a signal to end (SIGTERM): its scope closes, handlers have their grace, and time passes until it has ended.
   *
   * @see {@link stop}
   */
  readonly stop: Effect.Effect<void>
  /**
   * As SIGKILL, or a power cut: no fiber of the process runs any further, not even its finalizers, and its connections are lost.
   *
   * @see {@link crash}
   */
  readonly crash: Effect.Effect<void>
}

/**
 * Starts a program as if in a process of its own: with its own pool over the same nodes, its own connections and its own scope, which
 * stays open after the program has ended. It returns when nothing moves, and fails if the program has failed by then.
 *
 * @example
 * ```ts
 * import { DisquePool, JobQueue } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import { DiscoTest } from "@disco/testing"
 * import { Effect, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.String })
 *
 * const test = Effect.gen(function* () {
 *   yield* emails.add(yield* DisquePool, "ada@example.com")
 *   const worker = yield* DiscoTest.process(Worker.run(emails, () => Effect.sleep("1 minute")))
 *   yield* DiscoTest.crash(worker)
 *   // Another process does what the first one has left.
 *   yield* DiscoTest.process(Worker.run(emails, () => Effect.void))
 *   yield* DiscoTest.advance("10 minutes")
 * }).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category processes
 */
export const process = <A, E, R>(
  program: Effect.Effect<A, E, R>
): Effect.Effect<Process, E, DiscoTest | Exclude<R, Own>> =>
  Effect.flatMap(harness, ({ activity, clock, direct, pool, scope: ofTest, wire }) =>
    Effect.gen(function* () {
      const scheduler = activity.scheduler()
      const { cut, dialer } = wire.wiring(direct)
      const scope = yield* Scope.make()
      let failure: Cause.Cause<E> | undefined
      // A crashed process has ended, and nothing of it closes any more.
      let isCrashed = false
      const fiber = yield* program.pipe(
        Scope.extend(scope),
        Effect.provide(clients(dialer, pool)),
        Effect.tapErrorCause((cause) =>
          Effect.sync(() => {
            failure = cause
          })
        ),
        Effect.zipRight(Effect.never),
        Effect.onExit((exit) => Scope.close(scope, Exit.asVoid(exit))),
        Effect.withScheduler(scheduler),
        Effect.forkDaemon
      )
      const stop = Effect.suspend(() =>
        isCrashed ? Effect.void : Effect.zipRight(clock.idle, clock.run(Effect.asVoid(Fiber.interrupt(fiber))))
      )
      yield* Scope.addFinalizer(
        ofTest,
        Effect.suspend(() => (isCrashed ? Effect.void : Fiber.interrupt(fiber)))
      )
      yield* clock.idle
      if (failure !== undefined) return yield* Effect.failCause(failure)
      return {
        stop,
        crash: Effect.gen(function* () {
          yield* clock.idle
          isCrashed = true
          scheduler.kill()
          cut()
          yield* clock.idle
        })
      }
    })
  ) as Effect.Effect<Process, E, DiscoTest | Exclude<R, Own>>

/**
 * Ends a process as SIGKILL or a power cut does: none of its fibers runs any further, and its connections are lost. The jobs in its
 * hands come again after their retry time.
 *
 * @example
 * ```ts
 * import { DisquePool, JobQueue } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import { DiscoTest } from "@disco/testing"
 * import { Effect, Schema } from "effect"
 *
 * const videos = JobQueue.make("videos", { payload: Schema.String })
 *
 * const test = Effect.gen(function* () {
 *   const attempts: Array<number> = []
 *   const program = Worker.run(videos, (_, { attempt }) =>
 *     Effect.zipRight(
 *       Effect.sync(() => attempts.push(attempt)),
 *       Effect.sleep("1 minute")
 *     )
 *   )
 *   const worker = yield* DiscoTest.process(program)
 *   yield* videos.add(yield* DisquePool, "cat.mp4")
 *   yield* DiscoTest.crash(worker)
 *   // The job comes again after its retry time.
 *   yield* DiscoTest.process(program)
 *   yield* DiscoTest.advance("10 minutes")
 *   return attempts
 * }).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category processes
 */
export const crash = (process: Process): Effect.Effect<void> => process.crash

/**
 * Ends a process as SIGTERM does: its workers have their grace, and what they did not finish goes back. Time passes until it has
 * ended.
 *
 * @example
 * ```ts
 * import { DisquePool, JobQueue } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import { DiscoTest } from "@disco/testing"
 * import { Effect, Schema } from "effect"
 *
 * const videos = JobQueue.make("videos", { payload: Schema.String })
 *
 * // A deploy: the old process has 30 seconds for what it has begun, and the new one does the rest.
 * const test = Effect.gen(function* () {
 *   const program = Worker.run(videos, () => Effect.sleep("1 minute"), { grace: "30 seconds" })
 *   const old = yield* DiscoTest.process(program)
 *   yield* videos.add(yield* DisquePool, "cat.mp4")
 *   yield* DiscoTest.stop(old)
 *   yield* DiscoTest.process(program)
 *   yield* DiscoTest.advance("2 minutes")
 *   return (yield* DiscoTest.acknowledged(videos)).length
 * }).pipe(Effect.provide(DiscoTest.layer()))
 * ```
 *
 * @since 0.1.0
 * @category processes
 */
export const stop = (process: Process): Effect.Effect<void> => process.stop
