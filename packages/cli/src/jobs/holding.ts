/** Jobs whose command failed: each is kept for a while, so that it does not come again at once. */
import type { Funnel } from "@disco/funnel"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"

const firstPause = 1000
const longestPause = 60_000

/** The most jobs that are kept: a job more goes back at once. */
const mostKept = 1000

/** How long a job is kept that was put back so often: 1 second, doubling up to a minute. */
export const pauseOf = (nacks: number): Duration.Duration =>
  Duration.millis(Math.min(longestPause, firstPause * 2 ** Math.min(nacks, 10)))

export interface Holding {
  /** Keeps a job, and puts it back (NACK) when its time has come. Its lease is the funnel's affair. */
  readonly keep: (job: Funnel.FunnelJob) => Effect.Effect<void>
  /** Puts back all that are kept. */
  readonly end: Effect.Effect<void>
}

/** `isEndless`: jobs go back after a pause. Otherwise they go back at the end. */
export const make = (isEndless: boolean): Effect.Effect<Holding, never, Scope.Scope> =>
  Effect.gen(function* () {
    const kept = new Set<Funnel.FunnelJob>()
    const fibers = yield* FiberSet.make()
    // A job that was lost, or cannot go back, comes again by itself.
    const putBack = (job: Funnel.FunnelJob) =>
      Effect.suspend(() => (kept.delete(job) ? Effect.ignore(job.nack) : Effect.void))
    return {
      keep: (job) =>
        Effect.suspend(() => {
          kept.add(job)
          if (kept.size > mostKept) return putBack(job)
          if (!isEndless) return Effect.void
          return Effect.asVoid(
            FiberSet.run(
              fibers,
              Effect.zipRight(Effect.sleep(pauseOf(job.nacks)), Effect.uninterruptible(putBack(job)))
            )
          )
        }),
      end: Effect.suspend(() => Effect.forEach([...kept], putBack, { concurrency: "unbounded", discard: true }))
    }
  })
