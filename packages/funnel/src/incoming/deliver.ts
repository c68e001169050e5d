/** The jobs of an inbox as a stream: one run of it. */
import type { GetJobsError } from "@disco/core"
import * as Channel from "effect/Channel"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { currentFiber } from "./attendance.js"
import type { Held } from "./held.js"
import type { Inbox } from "./inbox.js"
import { Run } from "./run.js"

/** What a consumer gets for a job takes an effect; none where the job is not for it, and was taken care of. */
export class Later<In> {
  readonly job: Effect.Effect<Option.Option<In>>
  constructor(job: Effect.Effect<Option.Option<In>>) {
    this.job = job
  }
}

/** Makes of a job what a consumer gets. */
export type Hand<In> = (held: Held) => In | Later<In>

type Jobs<In> = Channel.Channel<Chunk.Chunk<In>, unknown, GetJobsError>

export interface DeliverOptions {
  /** Whether a run settles the jobs that its consumer is done with; else the consumer does. */
  readonly settles: boolean
  readonly ahead: number | undefined
}

/**
 * Each run gives jobs until the inbox closes, one in an element: operators go through an element at once, so that of several
 * jobs in one nobody could tell which are done.
 */
export const deliver = <In>(
  inbox: Inbox,
  hand: Hand<In>,
  { ahead, settles }: DeliverOptions
): Stream.Stream<In, GetJobsError> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const run = new Run(inbox, ahead)
      // Effect.addFinalizer would put the supervisor of the fibre back to what the run made it.
      yield* Scope.addFinalizerExit(yield* Effect.scope, (exit) =>
        Effect.flatMap(currentFiber, (fiber) => run.end(exit, fiber))
      )
      return Stream.fromChannel(jobsOf(inbox, hand, settles ? run : undefined))
    })
  )

// A job that is ready goes to its consumer without an effect: an effect for each would cost as much again as the element does.
const jobsOf = <In>(inbox: Inbox, hand: Hand<In>, run: Run | undefined): Jobs<In> => {
  const pull = (): Jobs<In> => {
    const first = run?.pullPast(Option.getOrThrow(Fiber.getCurrentFiber()))
    return first === undefined ? next() : Channel.flatMap(Channel.fromEffect(first), next)
  }
  const next = (): Jobs<In> => {
    const held = inbox.takeNow()
    return held === undefined ? waited : give(held)
  }
  const give = (held: Held): Jobs<In> => {
    run?.pulled(held)
    const given = hand(held)
    return given instanceof Later ? Channel.flatMap(Channel.fromEffect(given.job), emitSome) : emit(given)
  }
  const emit = (job: In): Jobs<In> => Channel.flatMap(Channel.write(Chunk.of(job)), pull)
  const emitSome = (job: Option.Option<In>): Jobs<In> => {
    if (Option.isSome(job)) return emit(job.value)
    run?.skip()
    return pull()
  }
  // The run knows of the job before anything here can be interrupted.
  const waited = Channel.unwrap(
    Effect.uninterruptibleMask((restore) =>
      Effect.match(restore(inbox.wait), {
        onFailure: (error): Jobs<In> => (Option.isSome(error) ? Channel.fail(error.value) : Channel.void),
        onSuccess: give
      })
    )
  )
  return Channel.suspend(pull)
}
