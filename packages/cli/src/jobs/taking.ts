/** Takes jobs from queues, and gives them back or acknowledges them. */
import { type CommandError, DisquePool, type InvalidArgument, type Job, JobId } from "@disco/core"
import type { Funnel } from "@disco/funnel"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Ended, execute } from "./execution.js"
import * as Holding from "./holding.js"

export interface Taking {
  readonly queues: ReadonlyArray<string>
  /** The most jobs. */
  readonly count: number
  /** How long to wait for the next job; undefined for ever. */
  readonly wait: Duration.Duration | undefined
  /** How long it may take to give the jobs back. */
  readonly timeout: Duration.Duration
}

type Jobs = Stream.Stream<Funnel.FunnelJob, Funnel.FunnelError>

/** The jobs of a funnel: so many at most, until none comes for a while. */
const jobsOf = ({ count, wait }: Taking, incoming: Jobs): Jobs => {
  const some = Number.isFinite(count) ? Stream.take(incoming, count) : incoming
  return wait === undefined ? some : Stream.timeout(some, wait)
}

/** Jobs that nobody waits for stay where they are, unless many are to be taken without an end. */
const prefetchOf = ({ count }: Taking): { readonly prefetch?: number } =>
  Number.isFinite(count) ? { prefetch: 0 } : {}

const open = (
  taking: Taking,
  acknowledge: "auto" | "manual"
): Effect.Effect<Funnel.Funnel, InvalidArgument, DisquePool | Scope.Scope> =>
  Effect.flatMap(
    Effect.promise(() => import("@disco/funnel")),
    ({ Funnel }) =>
      Funnel.make({
        queues: taking.queues,
        acknowledge,
        // Looking at a job is no failure of the job.
        putBackWith: "enqueue",
        closeWithin: taking.timeout,
        ...prefetchOf(taking)
      })
  )

/** Gives each job to `use`, and acknowledges it after that. */
export const takeAway = <R>(
  taking: Taking,
  use: (job: Job.Job) => Effect.Effect<void, never, R>
): Effect.Effect<void, Funnel.FunnelError, DisquePool | R> =>
  Effect.scoped(
    Effect.flatMap(open(taking, "auto"), ({ incoming }) => Stream.runForEach(jobsOf(taking, incoming), use))
  )

/** An at-most-once job that was shown, and could not be put back. */
export interface Unreturned {
  readonly job: Job.Job
  readonly reason: string
}

/**
 * Adds an at-most-once job (RETRY 0) once more: neither NACK nor ENQUEUE brings it back. Nobody has worked on it, so that it is
 * delivered once all the same.
 */
const addAgain = (pool: DisquePool.Service, job: Funnel.FunnelJob) =>
  Effect.gen(function* () {
    const info = yield* pool.show(job)
    if (Option.isNone(info) || info.value.state === "acked") return
    const ttl = Duration.max(info.value.ttl, Duration.seconds(1))
    yield* pool.addJob(job.queue, job.body, { ttl, retry: 0, replicate: 1 })
    yield* Effect.ignore(job.ack)
  })

/** Gives each job to `use`, keeps all of them meanwhile, and puts them back at the end (ENQUEUE). */
export const takeAndReturn = <R>(
  taking: Taking,
  use: (job: Job.Job) => Effect.Effect<void, never, R>,
  onUnreturned: (unreturned: Unreturned) => Effect.Effect<void, never, R>
): Effect.Effect<void, Funnel.FunnelError, DisquePool | R> =>
  Effect.scoped(
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const once: Array<Funnel.FunnelJob> = []
      const { incoming } = yield* open(taking, "manual")
      const addAllAgain = Effect.suspend(() =>
        Effect.forEach(
          once,
          (job) => Effect.catchAll(addAgain(pool, job), ({ message }) => onUnreturned({ job, reason: message })),
          { concurrency: 16, discard: true }
        )
      )
      const noted = Stream.tap(incoming, (job) =>
        Effect.sync(() => {
          if (!JobId.isAtLeastOnce(job.id)) once.push(job)
        })
      )
      yield* Effect.ensuring(Stream.runForEach(jobsOf(taking, noted), use), addAllAgain)
    })
  )

/** What became of a job whose command has ended. */
export interface Executed {
  readonly job: Job.Job
  /** `returned`: it goes back, at the latest at the end; `lost`: another consumer has it, or will have it. */
  readonly outcome: "acknowledged" | "returned" | "lost"
  /** How the command ended, in words. */
  readonly text: string
}

const run = (
  command: string,
  job: Funnel.FunnelJob,
  hasOutput: boolean,
  holding: Holding.Holding
): Effect.Effect<Executed> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const ended: Either.Either<Ended, Funnel.LeaseLost> = yield* Effect.either(
        restore(execute(command, job, hasOutput, (waiting) => job.guard(waiting)))
      )
      if (Either.isLeft(ended)) {
        return { job, outcome: "lost" as const, text: `was ended: ${ended.left.message}` }
      }
      const { isDone, text } = ended.right
      if (isDone) {
        const acked: Either.Either<void, CommandError | InvalidArgument | Funnel.SettleError | Funnel.LeaseLost> =
          yield* Effect.either(job.ack)
        if (Either.isRight(acked)) return { job, outcome: "acknowledged" as const, text }
        return { job, outcome: "lost" as const, text: `${text}, but the job may come again: ${acked.left.message}` }
      }
      // It was begun, and is delivered once at most.
      if (!JobId.isAtLeastOnce(job.id)) {
        return { job, outcome: "lost" as const, text: `${text}, and the job is delivered once only (RETRY 0)` }
      }
      yield* holding.keep(job)
      return { job, outcome: "returned" as const, text }
    })
  )

/**
 * Runs a command for each job: the job is acknowledged if the command ends with status 0, and goes back (NACK) otherwise. What is
 * interrupted goes back (ENQUEUE).
 */
export const takeAndExecute = <R>(
  taking: Taking,
  options: { readonly command: string; readonly concurrency: number; readonly hasOutput: boolean },
  onExecuted: (executed: Executed) => Effect.Effect<void, never, R>
): Effect.Effect<void, Funnel.FunnelError, DisquePool | R> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { command, concurrency, hasOutput } = options
      const { incoming } = yield* open(taking, "manual")
      const holding = yield* Holding.make(taking.wait === undefined)
      const work = Stream.mapEffect(jobsOf(taking, incoming), (job) => run(command, job, hasOutput, holding), {
        concurrency,
        unordered: true
      })
      yield* Effect.ensuring(Stream.runForEach(work, onExecuted), holding.end)
    })
  )
