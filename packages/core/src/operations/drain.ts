/** Emptying a node of what would be lost with it. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { AddJobError } from "../DisqueCommands.js"
import type { CommandError, InvalidArgument } from "../DisqueError.js"
import { DisquePool } from "../DisquePool.js"
import * as OptionReader from "../internal/optionReader.js"
import * as Time from "../internal/time.js"
import type * as JobId from "../JobId.js"
import { type DrainCounts, DrainRound } from "./drainRound.js"
import { NotVerified } from "./errors.js"
import { askEach, bounded, countdown, findNode, type KnownNode, knownNodes, sort } from "./nodes.js"
import { withinItsTime } from "./taking/take.js"

/**
 * How a node is drained.
 *
 * @since 0.1.0
 * @category options
 */
export interface DrainOptions {
  /**
   * Whether to move the jobs that this node alone has: each is added on another node, and acknowledged here after that. A job that was
   * moved has another id. Default: false, to wait until they are done.
   */
  readonly moves?: boolean | undefined
  /** The time between two looks at the jobs of the node, 100 ms or more. Default: 2 seconds. */
  readonly every?: Duration.DurationInput | undefined
}

/**
 * How far a node is drained.
 *
 * @since 0.1.0
 * @category models
 */
export interface DrainProgress extends DrainCounts {
  /** The address of the node. */
  readonly node: string
  readonly id: string | undefined
  /** How many jobs were moved so far. */
  readonly moved: number
  /** The ids of jobs that are still on the node, and may have been added elsewhere too. */
  readonly maybeTwice: ReadonlyArray<JobId.JobId>
  /** Why jobs could not be moved this time. */
  readonly failure: AddJobError | undefined
  /** Whether the node can be stopped without losing a job or an acknowledgement. This is the last that the stream gives. */
  readonly isSafe: boolean
}

const subject = "Cluster.drain"

// How long nodes are waited for that say whether they work.
const askMillis = 5000

/** Tells a node to leave or to stay, and asks it afterwards. */
const tell = (pool: DisquePool.Service, { address }: KnownNode, isLeaving: boolean) => {
  const { cluster } = pool.on(address)
  const said = (leaves: boolean) => (leaves ? "that it is leaving" : "that it stays")
  return bounded(
    address,
    askMillis,
    Effect.zipRight(
      cluster.setLeaving(isLeaving),
      Effect.filterOrFail(
        cluster.leaving,
        (leaves) => leaves === isLeaving,
        (leaves) => new NotVerified({ node: address, actual: said(leaves), expected: said(isLeaving) })
      )
    )
  )
}

const named = (subject: string, node: string) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const nodes = yield* knownNodes(pool, yield* countdown(askMillis))
    return { pool, node: yield* findNode(subject, nodes, node) }
  })

/** The other nodes that take jobs. */
const takers = (pool: DisquePool.Service, node: KnownNode): Effect.Effect<ReadonlyArray<KnownNode>> =>
  Effect.gen(function* () {
    const left = yield* countdown(askMillis)
    const others = (yield* knownNodes(pool, left)).filter(({ id }) => id !== node.id)
    const { answers } = sort(yield* askEach(pool, others, left, ({ cluster }) => cluster.leaving))
    return answers.flatMap(({ answer: isLeaving, node }) => (isLeaving ? [] : [node]))
  })

export const drain = (
  node: string,
  options?: DrainOptions
): Stream.Stream<DrainProgress, CommandError | NotVerified | InvalidArgument, DisquePool> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { every, moves } = yield* OptionReader.all(subject, options)
      const millis = yield* OptionReader.duration(subject, "every", every ?? "2 seconds", 100)
      const isMoving = yield* OptionReader.flag(subject, "moves", moves)
      const { node: leaving, pool } = yield* named(subject, node)
      yield* tell(pool, leaving, true)
      const clock = yield* Effect.clock
      const now = () => Time.monotonicMillis(clock)
      const held = new Set<string>()
      const maybeTwice = new Set<JobId.JobId>()
      let moved = 0

      /** Looks at all jobs. Those that were seen on another node before are not looked for again, unless `isThorough`. */
      const look = (isThorough: boolean) =>
        Effect.gen(function* () {
          if (isThorough) held.clear()
          const round = new DrainRound({ pool, node: leaving, others: yield* takers(pool, leaving), held, isMoving })
          const seen = Effect.ensuring(
            round.run,
            Effect.sync(() => {
              moved += round.moved
              for (const id of round.maybeTwice) maybeTwice.add(id)
            })
          )
          yield* isMoving ? withinItsTime({ noun: "job", queue: leaving.address }, seen) : seen
          return round
        })

      let rest = 0
      const next = Effect.gen(function* () {
        yield* Time.sleep(rest)
        const began = now()
        const wasEmpty = held.size === 0
        let round = yield* look(false)
        if (round.isSafe && !wasEmpty) round = yield* look(true)
        // A node with many jobs has some rest all the same.
        rest = Math.max(millis, now() - began)
        const { failure, isSafe } = round
        const { address, id } = leaving
        return { node: address, id, ...round.counts, moved, maybeTwice: [...maybeTwice], failure, isSafe }
      })
      return Stream.paginateEffect(undefined, () =>
        Effect.map(next, (progress) => [progress, progress.isSafe ? Option.none() : Option.some(undefined)] as const)
      )
    })
  )

export const undrain = (node: string): Effect.Effect<void, CommandError | NotVerified | InvalidArgument, DisquePool> =>
  Effect.gen(function* () {
    const { node: staying, pool } = yield* named("Cluster.undrain", node)
    yield* tell(pool, staying, false)
  })
