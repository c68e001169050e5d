/** The jobs of an inbox as a stream: one run of it. */
import type { GetJobsError } from "@disco/core"
import { isNonEmptyArray } from "effect/Array"
import * as Channel from "effect/Channel"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { currentFiber, unsafeCurrentFiber } from "../internal/runtime.js"
import type { Inbox } from "./inbox.js"
import type { LeasedJob } from "./leasedJob.js"
import { Later, type MakeJob } from "./makeJob.js"
import { StreamRun } from "./streamRun.js"

// A group is given out so long before a job of it may be delivered again.
const marginMillis = 100

type Elements<A> = Channel.Channel<Chunk.Chunk<A>, unknown, GetJobsError>

/** How many jobs an element has at most, and how long the first of them waits for others. */
export interface Group {
  readonly size: number
  readonly withinMillis: number
}

export interface JobStreamOptions {
  /** Whether a run settles the jobs that its consumer is done with; else the consumer does. */
  readonly settles: boolean
  readonly ahead: number | undefined
}

/**
 * Each run gives jobs until the inbox closes, one job in each chunk. Operators go through a chunk at once, so that among several jobs in
 * a chunk nobody could tell which are done.
 */
export const jobStream = <In>(
  inbox: Inbox,
  makeJob: MakeJob<In>,
  options: JobStreamOptions
): Stream.Stream<In, GetJobsError> => running(inbox, options, (run) => jobsOf(inbox, makeJob, run))

/** The same in groups, each of which is an element. */
export const groupStream = <In>(
  inbox: Inbox,
  makeJob: MakeJob<In>,
  group: Group,
  options: JobStreamOptions
): Stream.Stream<Chunk.NonEmptyChunk<In>, GetJobsError> =>
  running(inbox, options, (run) => groupsOf(inbox, makeJob, group, run))

const running = <A>(
  inbox: Inbox,
  { ahead, settles }: JobStreamOptions,
  elements: (run: StreamRun | undefined) => Elements<A>
): Stream.Stream<A, GetJobsError> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const run = new StreamRun(inbox, ahead)
      // Effect.addFinalizer would put the supervisor of the fiber back to what the run made it.
      yield* Scope.addFinalizerExit(yield* Effect.scope, (exit) =>
        Effect.flatMap(currentFiber, (fiber) => run.end(exit, fiber))
      )
      return Stream.fromChannel(elements(settles ? run : undefined))
    })
  )

// Says that the consumer wants the next element, before that is looked for.
const pulling =
  <A>(run: StreamRun | undefined, next: () => Elements<A>) =>
  (): Elements<A> => {
    const first = run?.pullPast(unsafeCurrentFiber())
    return first === undefined ? next() : Channel.flatMap(Channel.fromEffect(first), next)
  }

const ended = (error: Option.Option<GetJobsError>): Elements<never> =>
  Option.isSome(error) ? Channel.fail(error.value) : Channel.void

// A job that is ready goes to its consumer without an effect: an effect for each would cost as much again as the element does.
const jobsOf = <In>(inbox: Inbox, makeJob: MakeJob<In>, run: StreamRun | undefined): Elements<In> => {
  const pull = pulling(run, () => {
    const leased = inbox.takeNow()
    return leased === undefined ? waited : give(leased)
  })
  const give = (leased: LeasedJob): Elements<In> => {
    run?.pulled(leased)
    const given = makeJob(leased)
    return given instanceof Later
      ? Channel.flatMap(Channel.fromEffect(given.job), (job) => (Option.isSome(job) ? emit(leased, job.value) : skip()))
      : emit(leased, given)
  }
  const emit = (leased: LeasedJob, job: In): Elements<In> =>
    leased.isDoubtful(inbox.now())
      ? Channel.flatMap(Channel.fromEffect(inbox.confirm(leased)), (isOurs) => (isOurs ? write(job) : skip()))
      : write(job)
  const write = (job: In): Elements<In> => Channel.flatMap(Channel.write(Chunk.of(job)), pull)
  const skip = (): Elements<In> => {
    run?.skip()
    return pull()
  }
  // The run knows of the job before anything here can be interrupted.
  const waited = Channel.unwrap(
    Effect.uninterruptibleMask((restore) => Effect.match(restore(inbox.wait), { onFailure: ended, onSuccess: give }))
  )
  return Channel.suspend(pull)
}

const groupsOf = <In>(
  inbox: Inbox,
  makeJob: MakeJob<In>,
  { size, withinMillis }: Group,
  run: StreamRun | undefined
): Elements<Chunk.NonEmptyChunk<In>> => {
  const gather: Effect.Effect<Elements<Chunk.NonEmptyChunk<In>>> = Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const taken: Array<{ readonly leased: LeasedJob; readonly job: In }> = []
      let dueAt = Number.POSITIVE_INFINITY
      while (taken.length < size) {
        const isFirst = dueAt === Number.POSITIVE_INFINITY
        let leased = inbox.takeNow()
        if (leased === undefined) {
          // A job whose next delivery can no longer be postponed cannot wait for long.
          for (const { leased } of taken)
            if (!leased.isPostponable) dueAt = Math.min(dueAt, leased.expiresAt - marginMillis)
          const leftMillis = dueAt - inbox.now()
          if (leftMillis <= 0) break
          const came = yield* Effect.either(
            restore(isFirst ? inbox.wait : inbox.waitFor(leftMillis, size - taken.length))
          )
          if (Either.isLeft(came)) {
            if (taken.length > 0) break
            return ended(came.left)
          }
          leased = came.right
        }
        if (isFirst) {
          dueAt = inbox.now() + withinMillis
          run?.pulled(leased)
        } else {
          run?.pulledToo(leased)
        }
        const given = makeJob(leased)
        const job = given instanceof Later ? yield* restore(given.job) : Option.some(given)
        if (Option.isSome(job)) taken.push({ leased, job: job.value })
        else run?.drop(leased)
      }
      // Some may have been lost since they came, or while the process was held up.
      const jobs: Array<In> = []
      const now = inbox.now()
      const doubtful = taken.filter(({ leased }) => leased.isDoubtful(now))
      if (doubtful.length > 0) {
        yield* restore(
          Effect.forEach(doubtful, ({ leased }) => inbox.confirm(leased), { concurrency: "unbounded", discard: true })
        )
      }
      for (const { leased, job } of taken) {
        if (leased.lost === undefined && leased.state !== "settled") jobs.push(job)
        else run?.drop(leased)
      }
      return isNonEmptyArray(jobs) ? emit(Chunk.unsafeFromNonEmptyArray(jobs)) : pull()
    })
  )
  const pull = pulling(run, () => Channel.unwrap(gather))
  const emit = (jobs: Chunk.NonEmptyChunk<In>) => Channel.flatMap(Channel.write(Chunk.of(jobs)), pull)
  return Channel.suspend(pull)
}
