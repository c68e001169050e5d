/** Pausing a queue on every node. */
import * as Effect from "effect/Effect"
import * as Queues from "../commands/queues.js"
import type { InvalidArgument } from "../DisqueError.js"
import { DisquePool } from "../DisquePool.js"
import * as OptionReader from "../internal/optionReader.js"
import { type NotOnEveryNode, NotVerified } from "./errors.js"
import { onEveryNode } from "./everyNode.js"
import type { WithinOptions } from "./members.js"
import { countdown, knownNodes, readWithin } from "./nodes.js"

/**
 * What was paused of a queue on a node, and what is paused now.
 *
 * @since 0.1.0
 * @category models
 */
export interface PauseChange {
  /** The address of the node. */
  readonly node: string
  readonly before: Queues.PauseState
  readonly after: Queues.PauseState
}

const states: ReadonlyArray<Queues.PauseState> = ["none", "in", "out", "all"]

export const pause = (
  queue: string,
  what: Queues.PauseState,
  options?: WithinOptions
): Effect.Effect<ReadonlyArray<PauseChange>, NotOnEveryNode | InvalidArgument, DisquePool> =>
  Effect.gen(function* () {
    const { within } = yield* OptionReader.all("Cluster.pause", options)
    const millis = yield* readWithin("Cluster.pause", within, "5 seconds")
    const set = yield* Queues.pause.make(queue, yield* OptionReader.word("Cluster.pause", "what", what, states))
    const state = yield* Queues.pause.make(queue, "state")
    const left = yield* countdown(millis)
    const pool = yield* DisquePool
    const changed = yield* onEveryNode(pool, yield* knownNodes(pool, left), left, {
      operation: `pausing ${what} of the queue ${JSON.stringify(queue)}`,
      tell: (commands) => Effect.zipLeft(commands.execute(state), commands.execute(set)),
      // Another client may have paused the queue in another way meanwhile.
      verify: (commands, { address }) =>
        Effect.filterOrFail(
          commands.execute(state),
          (after) => after === what,
          (after) => new NotVerified({ node: address, actual: `paused: ${after}`, expected: `paused: ${what}` })
        )
    })
    return changed.map(({ node, told, verified }) => ({ node: node.address, before: told, after: verified }))
  })
