/** Takes single jobs out of their queue, without touching the others. */
import * as Effect from "effect/Effect"
import type { DisquePool } from "../../DisquePool.js"
import type { Notices } from "../../internal/notices.js"
import * as JobId from "../../JobId.js"
import { NodeFailed } from "./nodes.js"

type Pool = DisquePool.Service

/** A job, and the node on which it was found. */
export interface Place {
  readonly id: JobId.JobId
  readonly node: string
}

/** How jobs are taken. */
export interface Taking {
  readonly pool: Pool
  readonly notices: Notices
  /** The queue that they are taken from. */
  readonly queue: string
  /** What a job is called in the log. */
  readonly noun: string
}

const logged = <E extends { readonly message: string }>(
  { notices, noun, queue }: Taking,
  { id, node }: Place,
  effect: Effect.Effect<unknown, E>,
  otherwise: string
): Effect.Effect<void> =>
  Effect.catchAll(Effect.asVoid(effect), (error) =>
    notices.say(`put back ${node}`, (more) =>
      Effect.annotateLogs(
        Effect.logWarning(`${noun} ${id} on ${node} could not be put back${otherwise}: ${error.message}${more}`),
        { queue, job: id }
      )
    )
  )

/**
 * DEQUEUE: takes a job, and says whether it was still in the queue: of several clients that try, one succeeds. WORKING then takes the
 * job out of the queues of other nodes, and postpones its next delivery by its retry time.
 */
const claim = (pool: Pool, place: Place): Effect.Effect<boolean, NodeFailed> => {
  const commands = pool.on(place.node)
  const dequeued = Effect.mapError(
    commands.dequeueJob(place.id),
    (error) => new NodeFailed({ node: place.node, error })
  )
  return Effect.flatMap(dequeued, (count) => {
    if (count === 0) return Effect.succeed(false)
    if (!JobId.isAtLeastOnce(place.id)) return Effect.succeed(true)
    return Effect.match(commands.working(place.id), {
      // The job is taken even if WORKING fails, because half of its TTL has gone or the node went; but not if it was acknowledged.
      onFailure: (error) => error._tag !== "JobNotFound",
      onSuccess: () => true
    })
  })
}

/** ENQUEUE: puts a claimed job back. If that fails, the job comes again after its retry time. */
const putBack = (taking: Taking, place: Place, body: Uint8Array): Effect.Effect<void> => {
  const { pool, queue } = taking
  return JobId.isAtLeastOnce(place.id)
    ? logged(taking, place, pool.enqueueJob(place), ", and comes again after its retry time")
    : // A job that was added with RETRY 0 is never queued again, so a copy takes its place.
      logged(
        taking,
        place,
        Effect.zipRight(pool.addJob(queue, body, { retry: 0, replicate: 1, ttl: "30 days" }), pool.ackJob(place)),
        ""
      )
}

/**
 * Takes a job, runs an effect, and acknowledges the job. Says whether the job was still in the queue. If the effect fails or is
 * interrupted, the job goes back; once it has succeeded, it does not.
 */
export const settle = <E, R>(taking: Taking, place: Place, body: Uint8Array, act: Effect.Effect<unknown, E, R>) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(claim(taking.pool, place), (isClaimed) =>
      isClaimed
        ? Effect.as(
            Effect.zipRight(
              Effect.onError(restore(act), () => putBack(taking, place, body)),
              taking.pool.ackJob(place)
            ),
            true
          )
        : Effect.succeed(false)
    )
  )
