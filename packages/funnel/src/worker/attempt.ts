/** The jobs in the hands of a worker, and what it is told to do with them. */
import type { Job, JobQueue } from "@disco/core"
import { toJson } from "@disco/core/internal"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import type * as Schedule from "effect/Schedule"
import type * as Tracer from "effect/Tracer"
import type { SettleError } from "../incoming/inbox.js"
import type { LeasedJob, LeaseLost } from "../incoming/leasedJob.js"
import { isError, textOf } from "../internal/failure.js"
import type { Letter } from "./letter.js"

const GiveUpTypeId = "~@disco/funnel/GiveUp"

/** The job that a handler works on. */
export interface JobInHand {
  /** As it was added, whatever happened since. */
  readonly job: Job.Job
  /** Which attempt this is, from 1: failures count, wherever they were, and NACKs. */
  readonly attempt: number
  /** ACKJOB, before the handler ends: whatever becomes of it, the job is done. Doing it twice does no harm. */
  readonly ack: Effect.Effect<void, SettleError | LeaseLost>
}

/** A job that was read. */
export interface Work<A> {
  readonly held: LeasedJob
  readonly inHand: JobInHand
  readonly payload: A
  /** The span that it was added in. */
  readonly trace: Tracer.ExternalSpan | undefined
  readonly history: Letter | undefined
  readonly firstAt: number | undefined
}

/** A handler that died: it threw, a promise of it was rejected, or it interrupted itself. */
export class HandlerDied extends Data.TaggedError("HandlerDied")<{
  readonly cause: unknown
}> {
  override get message(): string {
    const text = textOf(this.cause)
    return isError(this.cause) ? text : `the handler died: ${text}`
  }
  /** As `JSON.stringify` shows it: what the handler threw may be anything, and is in the message. */
  override toJSON(): unknown {
    return { _tag: this._tag, message: this.message }
  }
}

/** What a handler fails with where its job is not to be tried again; see `giveUp`. */
export class GiveUp<out E> extends Data.TaggedError("GiveUp")<{
  readonly error: unknown
}> {
  declare readonly error: E
  readonly [GiveUpTypeId] = GiveUpTypeId
  override get message(): string {
    return textOf(this.error)
  }
  /** As `JSON.stringify` shows it. */
  override toJSON(): unknown {
    return { _tag: this._tag, message: this.message, error: toJson(this.error) }
  }
}

/** What failures and defects of a cause say that it is given up. */
export const givenUp = (cause: Cause.Cause<unknown>): GiveUp<unknown> | undefined => {
  for (const found of [...Cause.failures(cause), ...Cause.defects(cause)]) if (isGiveUp(found)) return found
  return undefined
}

/** Whoever copy of this module made it. What is no object, or throws when it is looked at, is none. */
const isGiveUp = (value: unknown): value is GiveUp<unknown> => {
  try {
    return Predicate.hasProperty(value, GiveUpTypeId)
  } catch {
    return false
  }
}

export interface FailureReport<A, E> {
  readonly job: Job.Job
  readonly payload: A
  readonly error: E | HandlerDied
  readonly attempt: number
  /** The milliseconds until the next attempt; none where it was the last. */
  readonly againMillis: number | undefined
}

/** What a crew works on, and how: `A` is read from jobs, `E` is what handlers fail with, `B` what they give. */
export interface CrewOptions<A, E, B> {
  readonly queue: string
  readonly open: (job: Job.Job) => Effect.Effect<JobQueue.TypedJob<A>, JobQueue.InvalidPayload>
  readonly handle: (works: ReadonlyArray<Work<A>>) => Effect.Effect<B, E>
  /** What came of one of the jobs, by its place, where the handler gave this. */
  readonly outcome: (given: B, place: number) => Exit.Exit<unknown, E>
  /** The services of handlers and hooks, for the jobs given. */
  readonly contextOf: (works: ReadonlyArray<Work<A>>) => Context.Context<never>
  readonly concurrency: number
  readonly prefetch: number
  readonly prefetchMillis: number
  readonly fetchCount: number
  readonly batch: number
  readonly withinMillis: number
  readonly schedule: Schedule.Schedule<unknown, E | HandlerDied>
  /** Whether a job that failed so is tried again. */
  readonly retryable: (error: E) => boolean
  readonly attempts: number
  readonly crashes: number
  readonly parkMillis: number
  /** How many jobs may wait here for their next attempt. */
  readonly mostParked: number
  /** How long jobs of the queue live, where their node does not say. */
  readonly ttlMillis: number
  readonly letterTtl: Duration.DurationInput
  readonly graceMillis: number
  readonly closeMillis: number
  readonly rate: { readonly limit: number; readonly intervalMillis: number } | undefined
  readonly interruptsLost: boolean
  readonly linksTraces: boolean
  readonly onFailure: (report: FailureReport<A, E>) => Effect.Effect<void>
  readonly onDeadLetter: (letter: Letter) => Effect.Effect<void>
}
