/** Takes single letters out of their queue, without touching the others. */
import { JobId } from "@disco/core"
import type { Notices } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import { NodeFailed } from "./nodes.js"
import type { Pool } from "./search.js"

/** A letter, and the node on which it was found. */
export interface Place {
  readonly id: JobId.JobId
  readonly node: string
}

const logged = <E extends { readonly message: string }>(
  notices: Notices,
  { id, node }: Place,
  queue: string,
  effect: Effect.Effect<unknown, E>,
  otherwise: string
): Effect.Effect<void> =>
  Effect.catchAll(Effect.asVoid(effect), (error) =>
    notices.say(`put back ${node}`, (more) =>
      Effect.annotateLogs(
        Effect.logWarning(`letter ${id} on ${node} could not be put back${otherwise}: ${error.message}${more}`),
        { queue, job: id }
      )
    )
  )

/**
 * DEQUEUE: takes a letter, and says whether it was still in the queue: of several clients that try, one succeeds. WORKING then takes
 * the letter out of the queues of other nodes, and postpones its next delivery by its retry time.
 */
export const claim = (pool: Pool, place: Place): Effect.Effect<boolean, NodeFailed> => {
  const commands = pool.on(place.node)
  const dequeued = Effect.mapError(
    commands.dequeueJob(place.id),
    (error) => new NodeFailed({ node: place.node, error })
  )
  return Effect.flatMap(dequeued, (count) => {
    if (count === 0) return Effect.succeed(false)
    if (!JobId.isAtLeastOnce(place.id)) return Effect.succeed(true)
    return Effect.match(commands.working(place.id), {
      // The letter is taken even if WORKING fails, because half of its TTL has gone or the node went; but not if it was acknowledged.
      onFailure: (error) => error._tag !== "JobNotFound",
      onSuccess: () => true
    })
  })
}

/** ENQUEUE: puts a claimed letter back. If that fails, the letter comes again after its retry time. */
export const putBack = (
  pool: Pool,
  notices: Notices,
  place: Place,
  queue: string,
  body: Uint8Array
): Effect.Effect<void> =>
  JobId.isAtLeastOnce(place.id)
    ? logged(notices, place, queue, pool.enqueueJob(place), ", and comes again after its retry time")
    : // A job that was added with RETRY 0 is never queued again, so a copy takes its place.
      logged(
        notices,
        place,
        queue,
        Effect.zipRight(pool.addJob(queue, body, { retry: 0, replicate: 1, ttl: "30 days" }), pool.ackJob(place)),
        ""
      )

/**
 * Takes a letter, runs an effect, and acknowledges the letter. Says whether the letter was still in the queue. If the effect fails or
 * is interrupted, the letter goes back; once it has succeeded, it does not.
 */
export const settle = <E, R>(
  pool: Pool,
  notices: Notices,
  place: Place,
  queue: string,
  body: Uint8Array,
  act: Effect.Effect<unknown, E, R>
) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(claim(pool, place), (isClaimed) =>
      isClaimed
        ? Effect.as(
            Effect.zipRight(
              Effect.onError(restore(act), () => putBack(pool, notices, place, queue, body)),
              pool.ackJob(place)
            ),
            true
          )
        : Effect.succeed(false)
    )
  )
