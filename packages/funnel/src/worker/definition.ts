/** All that defines a worker: its checked options, and the functions of the user with their services provided. */
import type { Job, JobQueue } from "@disco/core"
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Schedule from "effect/Schedule"
import type { Attempt } from "./attempt.js"
import type { CheckedOptions } from "./checkedOptions.js"
import type { HandlerDied } from "./errors.js"
import type { Letter } from "./letter.js"

/** A failed attempt, for `onFailure`. */
export interface FailedAttempt<A, E> {
  readonly job: Job.Job
  readonly payload: A
  readonly error: E | HandlerDied
  readonly attempt: number
  /** The milliseconds until the next attempt; undefined if there is none. */
  readonly againMillis: number | undefined
}

/** `A` is the payload of a job, `E` the error of the handler, `B` its result. */
export interface WorkerDefinition<A, E, B> extends CheckedOptions {
  /** The name of the queue. */
  readonly queue: string
  readonly decode: (job: Job.Job) => Effect.Effect<JobQueue.TypedJob<A>, JobQueue.InvalidPayload>
  /** Runs the handler on a job, or on the jobs of a batch. */
  readonly handle: (attempts: ReadonlyArray<Attempt<A>>) => Effect.Effect<B, E>
  /** What the result of the handler says of the job at this place of the batch. */
  readonly exitOf: (result: B, place: number) => Exit.Exit<unknown, E>
  /** The services of the handler and the hooks, for the jobs given. */
  readonly contextOf: (attempts: ReadonlyArray<Attempt<A>>) => Context.Context<never>
  readonly schedule: Schedule.Schedule<unknown, E | HandlerDied>
  /** Whether a job whose handler failed with this error may be tried again. */
  readonly isRetryable: (error: E) => boolean
  readonly onFailure: (failed: FailedAttempt<A, E>) => Effect.Effect<void>
  readonly onDeadLetter: (letter: Letter) => Effect.Effect<void>
}
