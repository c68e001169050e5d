/** Adding jobs once more, and knowing which of them may be there twice. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { AddJobError } from "../DisqueCommands.js"
import type { DisquePool } from "../DisquePool.js"
import type { JobInfo } from "../Job.js"
import type * as JobId from "../JobId.js"
import { copyOptions } from "./copyOptions.js"
import type { Place } from "./taking/claim.js"

/** After these, the job may have been added. */
const mayBeAdded = (error: unknown): boolean =>
  Predicate.isTagged(error, "OutcomeUnknown") || Predicate.isTagged(error, "NotReplicated")

/** Adds jobs once more, and knows which of them may be there twice. */
export class Copies {
  /** Jobs that were gone before they could be added. */
  gone = 0
  private readonly added = new Set<JobId.JobId>()

  /** Asks the node of a job for its options, and adds it to a queue. */
  add(
    pool: DisquePool.Service,
    to: string,
    place: Place,
    { adding, mostCopies }: { readonly adding?: DisquePool.Service["addJob"]; readonly mostCopies?: number } = {}
  ): Effect.Effect<void, AddJobError> {
    return Effect.flatMap(pool.show(place), (shown) => {
      if (Option.isNone(shown) || shown.value.body === null || shown.value.state === "acked") {
        this.gone += 1
        return Effect.void
      }
      const options = copyOptions(shown.value, 0, mostCopies)
      return this.noted(place.id, (adding ?? pool.addJob)(to, shown.value.body, options))
    })
  }

  /** Adds a job that waits for the end of its delay, with what is left of it. */
  addDelayed(
    info: JobInfo,
    millis: number,
    adding: DisquePool.Service["addJob"],
    mostCopies: number
  ): Effect.Effect<void, AddJobError> {
    return Effect.suspend(() =>
      info.queue === null || info.body === null
        ? Effect.void
        : this.noted(info.id, adding(info.queue, info.body, copyOptions(info, millis, mostCopies)))
    )
  }

  /** Notes a job as added before it is: if that is interrupted, nobody knows. */
  private noted(id: JobId.JobId, adding: Effect.Effect<unknown, AddJobError>): Effect.Effect<void, AddJobError> {
    return Effect.suspend(() => {
      this.added.add(id)
      return Effect.asVoid(
        Effect.tapError(adding, (error) =>
          Effect.sync(() => {
            if (!mayBeAdded(error)) this.added.delete(id)
          })
        )
      )
    })
  }

  /** Those that were added, or may have been, and are in their queue too. */
  maybeTwice(settled: ReadonlySet<string>): ReadonlyArray<JobId.JobId> {
    return [...this.added].filter((id) => !settled.has(id))
  }
}
