/** What is done to single jobs, wherever their copies are. */
import * as Effect from "effect/Effect"
import type { DisqueCommands } from "../../DisqueCommands.js"
import type { CommandError, InvalidArgument, OutOfMemory } from "../../DisqueError.js"
import type { DisquePool } from "../../DisquePool.js"
import * as JobId from "../../JobId.js"
import { type Copy, Nodes, stateOf } from "./nodes.js"

/** What became of a job. */
export interface Settled {
  readonly id: string
  /**
   * - `done`: the command took effect
   * - `unchanged`: there was nothing to do, or it cannot be done to this job
   * - `unknown`: no node knows the job
   * - `failed`: a node did not do its part
   */
  readonly outcome: "done" | "unchanged" | "unknown" | "failed"
  /** The addresses of the nodes on which it took effect. */
  readonly nodes: ReadonlyArray<string>
  /** What happened, in words that follow the id. */
  readonly text: string
}

type Failure = CommandError | InvalidArgument | OutOfMemory
type Commands = DisqueCommands

export interface Deed {
  /** What is done to a job of which some node has a copy that is not acknowledged. */
  readonly act: (settler: Settler, id: JobId.JobId, copies: ReadonlyArray<Copy>) => Effect.Effect<Settled, Failure>
}

const list = (items: ReadonlyArray<string>): string =>
  items.length < 2 ? items.join() : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`

const settled = (
  id: string,
  outcome: Settled["outcome"],
  text: string,
  nodes: ReadonlyArray<string> = []
): Settled => ({ id, outcome, text, nodes })

const addressOf = ({ node }: Copy): string => node.address

const isQueued = ({ info }: Copy): boolean => info.state === "queued"

/** Copies of the job itself, and not of its acknowledgement; those that are queued come first. */
const wholeOf = (copies: ReadonlyArray<Copy>): ReadonlyArray<Copy> =>
  copies
    .filter(({ info }) => info.queue !== null && info.state !== "acked")
    .sort((a, b) => Number(isQueued(b)) - Number(isQueued(a)))

/** ACKJOB, to a node that has a copy: it tells the others. */
export const ack: Deed = {
  act: (settler, id, copies) =>
    settler
      .onOne(copies, (commands) => commands.ackJob(id))
      .pipe(
        Effect.map((node) =>
          node === undefined
            ? settled(id, "unchanged", "was acknowledged meanwhile")
            : settled(id, "done", `acknowledged on ${node}`, [node])
        )
      )
}

/** NACK and ENQUEUE, to one of the nodes that have a copy: on two of them, the job would be queued twice. */
const requeue = (send: (commands: Commands, id: JobId.JobId) => Effect.Effect<number, Failure>): Deed => ({
  act: (settler, id, copies) => {
    const queued = copies.find(isQueued)
    if (queued !== undefined) {
      return Effect.succeed(settled(id, "unchanged", `is in its queue already, on ${addressOf(queued)}`))
    }
    const isDelayed = copies.some(({ info }) => info.nextRequeueWithin !== null)
    if (!JobId.isAtLeastOnce(id) && !isDelayed) {
      return Effect.succeed(settled(id, "unchanged", "is delivered once only (RETRY 0), and was"))
    }
    return settler
      .onOne(copies, (commands) => send(commands, id))
      .pipe(
        Effect.map((node) =>
          node === undefined
            ? settled(id, "unchanged", "was not queued: its state changed meanwhile")
            : settled(id, "done", `queued on ${node}`, [node])
        )
      )
  }
})

export const nack = requeue((commands, id) => commands.nackJob(id))

export const enqueue = requeue((commands, id) => commands.enqueueJob(id))

/** DEQUEUE, to each node that has the job queued. */
export const dequeue: Deed = {
  act: (settler, id, copies) =>
    Effect.map(
      settler.onEach(copies.filter(isQueued), (commands) => commands.dequeueJob(id)),
      (nodes) =>
        nodes.length > 0
          ? settled(id, "done", `taken out of its queue on ${list(nodes)}`, nodes)
          : settled(id, "unchanged", "is not in its queue")
    )
}

/** DELJOB, to each node that has a copy. The nodes are asked afterwards. */
export const remove: Deed = {
  act: (settler, id, copies) =>
    Effect.gen(function* () {
      const nodes = yield* settler.onEach(copies, (commands) => commands.deleteJob(id))
      const left = yield* settler.nodes.copies(id)
      const silent = settler.nodes.silentAmong(copies.flatMap(({ info }) => info.nodesDelivered))
      if (left.length > 0)
        return settled(id, "failed", `is still on ${list(left.map(addressOf))}: delete it again`, nodes)
      return silent.length > 0
        ? settled(id, "failed", `deleted on ${list(nodes)}; ${list(silent)} may have a copy, and did not answer`, nodes)
        : settled(id, "done", `deleted on ${list(nodes)}`, nodes)
    })
}

export class Settler {
  readonly nodes: Nodes
  private readonly pool: DisquePool.Service

  private constructor(pool: DisquePool.Service, nodes: Nodes) {
    this.pool = pool
    this.nodes = nodes
  }

  static readonly make = (pool: DisquePool.Service): Effect.Effect<Settler> =>
    Effect.map(Nodes.make(pool), (nodes) => new Settler(pool, nodes))

  /** Finds a job, and does something to it. */
  settle({ act }: Deed, id: JobId.JobId): Effect.Effect<Settled> {
    return Effect.gen(this, function* () {
      const copies = yield* this.nodes.copies(id)
      const whole = wholeOf(copies)
      if (whole.length === 0 && copies.length > 0) return settled(id, "unchanged", "was acknowledged before")
      if (whole.length === 0) {
        return this.nodes.failures.size === 0
          ? settled(id, "unknown", "is not known to any node")
          : settled(id, "failed", `is on none of the nodes that answered: ${this.silent} did not`)
      }
      if (stateOf(copies) === "acked") return settled(id, "unchanged", "was acknowledged before")
      return yield* Effect.merge(
        Effect.mapError(act(this, id, whole), ({ message }) => settled(id, "failed", `failed: ${message}`))
      )
    })
  }

  private get silent(): string {
    return list([...this.nodes.failures.keys()])
  }

  /** Asks one node after the other until the command takes effect on one, and gives its address. */
  onOne(
    copies: ReadonlyArray<Copy>,
    send: (commands: Commands) => Effect.Effect<number, Failure>
  ): Effect.Effect<string | undefined, Failure> {
    const [first, ...others] = copies
    if (first === undefined) return Effect.succeed(undefined)
    const address = addressOf(first)
    return Effect.flatMap(send(this.pool.on(address)), (count) =>
      count > 0 ? Effect.succeed(address) : this.onOne(others, send)
    )
  }

  /** Asks each node, and gives the addresses of those on which the command took effect. */
  onEach(
    copies: ReadonlyArray<Copy>,
    send: (commands: Commands) => Effect.Effect<number, Failure>
  ): Effect.Effect<ReadonlyArray<string>, Failure> {
    const one = (copy: Copy) =>
      Effect.map(send(this.pool.on(addressOf(copy))), (count) => (count > 0 ? [addressOf(copy)] : []))
    return Effect.map(Effect.forEach(copies, one), (all) => all.flat())
  }
}
