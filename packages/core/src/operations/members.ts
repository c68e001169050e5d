/** Every node of the cluster: how it fares by its own word, and how the other nodes see it. */
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { ClusterNode, ClusterNodeFlag } from "../commands/cluster.js"
import type { InfoValue, ServerInfo } from "../commands/server.js"
import type { DisqueCommands } from "../DisqueCommands.js"
import type { CommandError, InvalidArgument } from "../DisqueError.js"
import { DisquePool } from "../DisquePool.js"
import * as OptionReader from "../internal/optionReader.js"
import * as Time from "../internal/time.js"
import { askEach, countdown, knownNodes, readWithin } from "./nodes.js"

/**
 * How long the nodes are waited for.
 *
 * @since 0.1.0
 * @category options
 */
export interface WithinOptions {
  /** How long a call takes at most. A node that has not answered by then counts as silent. Default: 5 seconds. */
  readonly within?: Duration.DurationInput | undefined
}

/**
 * How a node fares.
 *
 * - `up`: it answers
 * - `leaving`: it is leaving the cluster
 * - `suspected`: another node suspects that it has failed
 * - `failed`: most nodes agree that it has failed
 * - `unreachable`: it does not answer this program, and no other node says what is the matter
 *
 * @since 0.1.0
 * @category models
 */
export type MemberState = "up" | "leaving" | "suspected" | "failed" | "unreachable"

/**
 * How a node of the cluster sees another one.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemberView {
  /** The address of the node that tells it. */
  readonly from: string
  readonly flags: ReadonlyArray<ClusterNodeFlag>
  /** Whether that node has a link to this one. */
  readonly isConnected: boolean
}

/**
 * What a node measures of itself.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemberFigures {
  readonly version: string
  readonly uptime: Duration.Duration
  /** In bytes. */
  readonly memory: number
  /** How many jobs the node knows, in any state, and acknowledgements of jobs. */
  readonly jobs: number
  /** How many queues the node knows. */
  readonly queues: number
  readonly clients: number
  /** How many of the clients wait for a job, or for copies of a job. */
  readonly blockedClients: number
  /** How long a PING took, over an open link. */
  readonly roundTrip: Duration.Duration
  /** Everything that INFO told. */
  readonly info: ServerInfo
}

/**
 * A node of the cluster.
 *
 * @since 0.1.0
 * @category models
 */
export interface Member {
  /** The address at which the node is dialed. */
  readonly address: string
  /** Undefined if no node has told it. */
  readonly id: string | undefined
  readonly state: MemberState
  /** As HELLO tells it. 1: fine. 5: no link to it. 10: suspected to fail. 100: failed or leaving. */
  readonly priority: number
  /** What the node measures of itself, or why it does not answer. */
  readonly figures: Either.Either<MemberFigures, CommandError>
  /** How the nodes that answer see this one. */
  readonly views: ReadonlyArray<MemberView>
  /** When another node last heard from this one, by the clock of that node. Undefined if no node that answers says so. */
  readonly lastHeard: DateTime.Utc | undefined
}

const numberOf = (value: InfoValue | undefined): number =>
  typeof value === "bigint" ? Number(value) : typeof value === "number" ? value : 0

const figuresOf = (info: ServerInfo, millis: number): MemberFigures => {
  const field = (section: string, name: string) => info.get(section)?.get(name)
  return {
    version: String(field("server", "disque_version") ?? ""),
    uptime: Duration.seconds(numberOf(field("server", "uptime_in_seconds"))),
    memory: numberOf(field("memory", "used_memory")),
    jobs: numberOf(field("jobs", "registered_jobs")),
    queues: numberOf(field("queues", "registered_queues")),
    clients: numberOf(field("clients", "connected_clients")),
    blockedClients: numberOf(field("clients", "blocked_clients")),
    roundTrip: Duration.millis(millis),
    info
  }
}

/** How long a PING takes, in milliseconds. */
export const roundTrip = (commands: DisqueCommands): Effect.Effect<number, CommandError> =>
  Effect.flatMap(Effect.clock, (clock) =>
    Effect.suspend(() => {
      const sentAt = Time.monotonicMillis(clock)
      return Effect.map(commands.ping, () => Time.monotonicMillis(clock) - sentAt)
    })
  )

const ask = (commands: DisqueCommands) =>
  Effect.gen(function* () {
    // The first command may have to wait for a link, so that the PING does not.
    const nodes = yield* commands.cluster.nodes
    const millis = yield* roundTrip(commands)
    return { nodes, figures: figuresOf(yield* commands.server.info(), millis) }
  })

const stateOf = (answers: boolean, views: ReadonlyArray<MemberView>, own: ClusterNode | undefined): MemberState => {
  const isSaid = (flag: ClusterNodeFlag) => views.some(({ flags }) => flags.includes(flag))
  if (isSaid("fail")) return "failed"
  if (isSaid("fail?")) return "suspected"
  if (own?.flags.includes("leaving") === true || (own === undefined && isSaid("leaving"))) return "leaving"
  return answers ? "up" : "unreachable"
}

const latest = (moments: ReadonlyArray<DateTime.Utc>): DateTime.Utc | undefined =>
  moments.reduce<DateTime.Utc | undefined>(
    (last, at) => (last === undefined || at.epochMillis > last.epochMillis ? at : last),
    undefined
  )

export const members = (options?: WithinOptions): Effect.Effect<ReadonlyArray<Member>, InvalidArgument, DisquePool> =>
  Effect.gen(function* () {
    const { within } = yield* OptionReader.all("Cluster.members", options)
    const left = yield* countdown(yield* readWithin("Cluster.members", within, "5 seconds"))
    const pool = yield* DisquePool
    const asked = yield* askEach(pool, yield* knownNodes(pool, left), left, ask)
    return asked.map(({ answer, node: { address, id, priority } }) => {
      const own = Either.isRight(answer) ? answer.right.nodes.find(({ isMyself }) => isMyself) : undefined
      const name = own?.id ?? id
      const seen = asked.flatMap(({ answer, node }) =>
        Either.isLeft(answer)
          ? []
          : answer.right.nodes.flatMap((view) =>
              view.id === name && !view.isMyself ? [{ view, from: node.address }] : []
            )
      )
      const views = seen.map(({ from, view: { flags, isConnected } }) => ({ from, flags, isConnected }))
      return {
        address,
        id: name,
        state: stateOf(Either.isRight(answer), views, own),
        priority,
        figures: Either.map(answer, ({ figures }) => figures),
        views,
        lastHeard: latest(seen.flatMap(({ view }) => Option.toArray(view.pongReceived)))
      }
    })
  })
