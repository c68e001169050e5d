/** The nodes that jobs are looked for on, one by one. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { DisqueCommands } from "../../DisqueCommands.js"
import type { CommandError, InvalidArgument } from "../../DisqueError.js"
import type { DisquePool } from "../../DisquePool.js"
import type { JobInfo, JobState } from "../../Job.js"
import type { JobId } from "../../JobId.js"
import { stateOf as stateAmong } from "../jobStates.js"

export interface Node {
  readonly address: string
  readonly id: string | undefined
}

type Failure = CommandError | InvalidArgument

/** What a node knows of a job. */
export interface Copy {
  readonly node: Node
  readonly info: JobInfo
}

/** The nodes that the pool knows, those that failed among them. */
export const nodesOf = (pool: DisquePool.Service): Effect.Effect<ReadonlyArray<Node>> =>
  Effect.map(pool.health, ({ nodes }) => {
    // A node may be known by an address that the user gave, and by its own.
    const byId = new Map(nodes.map((node) => [node.id ?? node.address, node]))
    return [...byId.values()].sort((a, b) => (a.address < b.address ? -1 : 1))
  })

const concurrency = 16

/** Asks all nodes about jobs. A node that has failed is not asked again. */
export class Nodes {
  readonly all: ReadonlyArray<Node>
  /** Why nodes did not answer, by their addresses. */
  readonly failures = new Map<string, Failure>()
  private readonly pool: DisquePool.Service

  constructor(pool: DisquePool.Service, all: ReadonlyArray<Node>) {
    this.pool = pool
    this.all = all
  }

  static readonly make = (pool: DisquePool.Service): Effect.Effect<Nodes> =>
    Effect.map(nodesOf(pool), (all) => new Nodes(pool, all))

  /** Asks all nodes at once. Gives what those say that answer. */
  ask<A>(
    asking: (commands: DisqueCommands, node: Node) => Effect.Effect<A, Failure>,
    nodes = this.all
  ): Effect.Effect<ReadonlyArray<A>> {
    const one = (node: Node) =>
      Effect.suspend(() => {
        if (this.failures.has(node.address)) return Effect.succeed([])
        return Effect.match(asking(this.pool.on(node.address), node), {
          onFailure: (error): ReadonlyArray<A> => {
            this.failures.set(node.address, error)
            return []
          },
          onSuccess: (answer) => [answer]
        })
      })
    return Effect.map(Effect.forEach(nodes, one, { concurrency }), (answers) => answers.flat())
  }

  /** SHOW on all nodes: what each that knows the job knows of it. */
  copies(id: JobId): Effect.Effect<ReadonlyArray<Copy>> {
    const show = (commands: DisqueCommands, node: Node) =>
      Effect.map(commands.show(id), (info) => Option.toArray(Option.map(info, (info): Copy => ({ node, info }))))
    return Effect.map(this.ask(show), (answers) => answers.flat())
  }

  /** The addresses of those of the nodes with these ids that did not answer. */
  silentAmong(ids: ReadonlyArray<string>): ReadonlyArray<string> {
    return this.all
      .filter(({ address, id }) => id !== undefined && ids.includes(id) && this.failures.has(address))
      .map(({ address }) => address)
  }

  /** The name of the node with an id: its address, or the beginning of the id. */
  name(id: string): string {
    return this.all.find((node) => node.id === id)?.address ?? id.slice(0, 8)
  }
}

/** The state of a job in the cluster. */
export const stateOf = (copies: ReadonlyArray<Copy>): JobState => stateAmong(copies.map(({ info }) => info.state))
