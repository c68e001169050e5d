/** Pausing a queue on every node. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
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

/**
 * What is to be paused: the same on every node, or for each node by what is paused there. A function that throws is a defect.
 *
 * @since 0.1.0
 * @category options
 */
export type NextPause = Queues.PauseState | ((before: Queues.PauseState) => Queues.PauseState)

const states: ReadonlyArray<Queues.PauseState> = ["none", "in", "out", "all"]

const readNext = (what: NextPause) =>
  typeof what === "function"
    ? Either.right(what)
    : Either.map(OptionReader.word("Cluster.pause", "what", what, states), (word) => () => word)

export const pause = (
  queue: string,
  what: NextPause,
  options?: WithinOptions
): Effect.Effect<ReadonlyArray<PauseChange>, NotOnEveryNode | InvalidArgument, DisquePool> =>
  Effect.gen(function* () {
    const { within } = yield* OptionReader.all("Cluster.pause", options)
    const millis = yield* readWithin("Cluster.pause", within, "5 seconds")
    const next = yield* readNext(what)
    const state = yield* Queues.pause.make(queue, "state")
    const left = yield* countdown(millis)
    const pool = yield* DisquePool
    const changed = yield* onEveryNode(pool, yield* knownNodes(pool, left), left, {
      operation: `${typeof what === "function" ? "changing the pauses" : `pausing ${what}`} of the queue ${JSON.stringify(queue)}`,
      tell: (commands) =>
        Effect.gen(function* () {
          const before = yield* commands.execute(state)
          const wanted = next(before)
          yield* commands.execute(yield* Queues.pause.make(queue, wanted))
          return { before, wanted }
        }),
      // Another client may have paused the queue in another way meanwhile.
      verify: (commands, { address }, { wanted }) =>
        Effect.filterOrFail(
          commands.execute(state),
          (after) => after === wanted,
          (after) => new NotVerified({ node: address, actual: `paused: ${after}`, expected: `paused: ${wanted}` })
        )
    })
    return changed.map(({ node, told, verified }) => ({ node: node.address, before: told.before, after: verified }))
  })
