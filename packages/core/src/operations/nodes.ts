/** The nodes of the cluster, each of which is asked by itself: if one does not answer, the others are asked all the same. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { DisqueCommands } from "../DisqueCommands.js"
import { type CommandError, ConnectionError, type InvalidArgument } from "../DisqueError.js"
import type { DisquePool } from "../DisquePool.js"
import { show } from "../internal/input.js"
import * as OptionReader from "../internal/optionReader.js"
import * as Time from "../internal/time.js"

/** A node of the cluster. */
export interface KnownNode {
  /** The address at which the node is dialed. */
  readonly address: string
  /** Undefined if no node has told it. */
  readonly id: string | undefined
  /** As HELLO tells it. */
  readonly priority: number
}

/** What a node said, or why it said nothing. */
export interface Asked<out A, out E = CommandError> {
  readonly node: KnownNode
  readonly answer: Either.Either<A, E>
}

// The most nodes that are asked at a time. As many may be silent, for as long as they are waited for.
const concurrency = 256

/** The time that is left of some milliseconds, which begin now. */
export const countdown = (millis: number): Effect.Effect<() => number> =>
  Effect.map(Effect.clock, (clock) => {
    const until = Time.monotonicMillis(clock) + millis
    return () => Math.max(0, until - Time.monotonicMillis(clock))
  })

/** Reads the option `within`, in milliseconds. */
export const readWithin = (
  subject: string,
  within: Duration.DurationInput | undefined,
  usual: Duration.DurationInput
): Either.Either<number, InvalidArgument> => OptionReader.duration(subject, "within", within ?? usual, 1)

/** The ids of the nodes that a node names which takes commands; none if no node says so in the time that is left. */
const namedIds = (pool: DisquePool.Service, left: () => number): Effect.Effect<ReadonlySet<string>> =>
  Effect.gen(function* () {
    const node = yield* pool.ready({ within: Duration.millis(Math.max(1, Math.floor(left() / 2))) })
    const { nodes } = yield* bounded(node, left() / 2, pool.on(node).hello)
    return new Set(nodes.map(({ id }) => id))
  }).pipe(Effect.orElseSucceed(() => new Set<string>()))

/**
 * The nodes that HELLO names. Some node is asked first, for half of the time that is left at most; if none answers, these are the nodes
 * that are known already.
 */
export const knownNodes = (pool: DisquePool.Service, left: () => number): Effect.Effect<ReadonlyArray<KnownNode>> =>
  Effect.gen(function* () {
    const named = yield* namedIds(pool, left)
    const { nodes } = yield* pool.health
    const byId = new Map<string, KnownNode>()
    for (const { address, id, isCurrent, priority } of nodes) {
      // A seed may be a node that was forgotten, or another address of a node that is known already.
      if (id === undefined || (named.size > 0 && !named.has(id))) continue
      if (isCurrent || !byId.has(id)) byId.set(id, { address, id, priority })
    }
    const known = byId.size > 0 ? [...byId.values()] : nodes
    return [...known].sort((a, b) => (a.address < b.address ? -1 : 1))
  })

/** Bounds what is asked of a node: a node that says nothing in time is silent. Arguments have been checked before. */
export const bounded = <A, E, R>(
  node: string,
  millis: number,
  asking: Effect.Effect<A, E, R>
): Effect.Effect<A, Exclude<E, InvalidArgument> | ConnectionError, R> =>
  Effect.flatMap(
    Time.timeoutOption(Effect.interruptible(withoutInvalid(asking)), millis),
    Option.match({
      onNone: () => Effect.fail(new ConnectionError({ node, reason: "silent" })),
      onSome: (answer) => Effect.succeed(answer)
    })
  )

const withoutInvalid = <A, E, R>(asking: Effect.Effect<A, E, R>): Effect.Effect<A, Exclude<E, InvalidArgument>, R> =>
  Effect.catchAll(asking, (error) =>
    isInvalid(error) ? Effect.die(error) : Effect.fail(error as Exclude<E, InvalidArgument>)
  )

const isInvalid = (error: unknown): error is InvalidArgument =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "InvalidArgument"

/** Asks nodes at the same time, and waits for each until the time is over. */
export const askEach = <A, E, R>(
  pool: DisquePool.Service,
  nodes: ReadonlyArray<KnownNode>,
  left: () => number,
  ask: (commands: DisqueCommands, node: KnownNode) => Effect.Effect<A, E, R>
): Effect.Effect<ReadonlyArray<Asked<A, Exclude<E, InvalidArgument> | ConnectionError>>, never, R> =>
  Effect.forEach(
    nodes,
    (node) =>
      Effect.suspend(() =>
        Effect.map(Effect.either(bounded(node.address, left(), ask(pool.on(node.address), node))), (answer) => ({
          node,
          answer
        }))
      ),
    { concurrency }
  )

/** What the nodes have said, by whether they have. */
export const sort = <A, E>(
  asked: ReadonlyArray<Asked<A, E>>
): {
  readonly answers: ReadonlyArray<{ readonly node: KnownNode; readonly answer: A }>
  readonly failures: ReadonlyArray<{ readonly node: string; readonly error: E }>
} => ({
  answers: asked.flatMap(({ answer, node }) => (Either.isRight(answer) ? [{ node, answer: answer.right }] : [])),
  failures: asked.flatMap(({ answer, node }) =>
    Either.isLeft(answer) ? [{ node: node.address, error: answer.left }] : []
  )
})

const isNodeId = (text: unknown): boolean => typeof text === "string" && /^[0-9a-f]{40}$/.test(text)

/** Finds the node that a text means: by its id, or by the address at which it is dialed. */
export const findNode = (
  subject: string,
  nodes: ReadonlyArray<KnownNode>,
  text: string
): Either.Either<KnownNode, InvalidArgument> => {
  const found = nodes.find(({ address, id }) => text === id || text === address)
  if (found !== undefined) return Either.right(found)
  // A text that is neither may be an address with a password in it, and is not shown.
  const isShown = isNodeId(text) || (typeof text === "string" && /^[\w.:[\]-]{1,100}$/.test(text))
  const value = isShown ? show(text) : "a text that is no address"
  return OptionReader.refuseText(
    subject,
    "node",
    value,
    `the id or the address of a node of the cluster: ${nodes.map(({ address }) => address).join(", ")}`
  )
}
