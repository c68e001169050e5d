/** Deletes all jobs of a queue. */
import type { CommandError, DisquePool, InvalidArgument, Job } from "@disco/core"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"

/** How many jobs are acknowledged at a time. */
const batch = 256

const states: ReadonlyArray<Job.JobState> = ["queued", "active", "wait-repl"]

/** What was deleted, and why perhaps not all was. */
export interface Emptied {
  readonly deleted: number
  readonly failures: ReadonlyArray<string>
}

/**
 * Acknowledges the jobs of the queue on one node after the other, in whatever state they are. An acknowledged job is deleted on all
 * nodes that have a copy, and on those that are away once they are back. Jobs that are added meanwhile may stay.
 */
export const emptyQueue = (
  pool: DisquePool.Service,
  queue: string,
  within: Duration.Duration
): Effect.Effect<Emptied, CommandError | InvalidArgument> =>
  Effect.gen(function* () {
    const { nodes } = yield* pool.hello
    const deleted = new Set<string>()
    const emptyNode = (node: string) =>
      pool
        .on(node)
        .jobIds({ queue, states, pageSize: batch })
        .pipe(
          Stream.grouped(batch),
          Stream.runForEach((ids) =>
            Effect.map(
              // A node that says nothing is not waited for.
              Effect.timeoutFail(pool.on(node).ackJob([...ids].map((id) => ({ id, node }))), {
                duration: within,
                onTimeout: () => ({ message: `${node} does not answer` })
              }),
              () => {
                for (const id of ids) deleted.add(id)
              }
            )
          ),
          Effect.either
        )
    const ended = yield* Effect.forEach(nodes, ({ address }) => emptyNode(address))
    return { deleted: deleted.size, failures: ended.flatMap((end) => (Either.isLeft(end) ? [end.left.message] : [])) }
  })
