/** The nodes that jobs are looked for on, one by one. */
import type { CommandError, DisquePool, InvalidArgument, Job, JobId } from "@disco/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

export interface Node {
  readonly address: string
  readonly id: string | undefined
}

type Failure = CommandError | InvalidArgument

/** What a node knows of a job. */
export interface Copy {
  readonly node: Node
  readonly info: Job.JobInfo
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
    asking: (commands: ReturnType<DisquePool.Service["on"]>, node: Node) => Effect.Effect<A, Failure>,
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
  copies(id: JobId.JobId): Effect.Effect<ReadonlyArray<Copy>> {
    const show = (commands: ReturnType<DisquePool.Service["on"]>, node: Node) =>
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

const order: ReadonlyArray<Job.JobState> = ["acked", "queued", "wait-repl", "active"]

/** The state of a job in the cluster: if it is acknowledged or queued on one node, this is what counts. */
export const stateOf = (copies: ReadonlyArray<Copy>): Job.JobState =>
  order.find((state) => copies.some(({ info }) => info.state === state)) ?? "active"
