/** Changes that are made on every node, and verified on each afterwards. */
import * as Effect from "effect/Effect"
import type { DisqueCommands } from "../DisqueCommands.js"
import type { CommandError, InvalidArgument } from "../DisqueError.js"
import type { DisquePool } from "../DisquePool.js"
import { NotOnEveryNode, type NotVerified } from "./errors.js"
import { askEach, countdown, type KnownNode, sort } from "./nodes.js"

/** A change that each node is to make. */
interface Change<A, B> {
  /** In words, for the error. */
  readonly operation: string
  readonly tell: (commands: DisqueCommands, node: KnownNode) => Effect.Effect<A, CommandError | InvalidArgument>
  /** Asks whether the change was made. */
  readonly verify: (
    commands: DisqueCommands,
    node: KnownNode,
    told: A
  ) => Effect.Effect<B, CommandError | InvalidArgument | NotVerified>
}

/** What a node said as it was told, and as it was asked afterwards. */
export interface Changed<out A, out B> {
  readonly node: KnownNode
  readonly told: A
  readonly verified: B
}

/**
 * Tells all nodes, for half of the time that is left at most, and then asks those that answered: if one is silent, there is time to ask the
 * others. Fails if one of the nodes did not make the change; the others made it.
 */
export const onEveryNode = <A, B>(
  pool: DisquePool.Service,
  nodes: ReadonlyArray<KnownNode>,
  left: () => number,
  { operation, tell, verify }: Change<A, B>
): Effect.Effect<ReadonlyArray<Changed<A, B>>, NotOnEveryNode> =>
  Effect.gen(function* () {
    const told = sort(yield* askEach(pool, nodes, yield* countdown(left() / 2), tell))
    const reached = new Map(told.answers.map(({ answer, node }) => [node, answer]))
    const verified = sort(
      yield* askEach(pool, [...reached.keys()], left, (commands, node) =>
        Effect.map(verify(commands, node, reached.get(node) as A), (answer) => ({
          answer,
          told: reached.get(node) as A
        }))
      )
    )
    const failures = [...told.failures, ...verified.failures]
    if (failures.length > 0) {
      const done = verified.answers.map(({ node }) => node.address)
      return yield* new NotOnEveryNode({ operation, done, failures })
    }
    return verified.answers.map(({ answer, node }) => ({ node, told: answer.told, verified: answer.answer }))
  })
