import { Fifo } from "@disco/core"
import { setLeaving } from "../bus/leaving.js"
import { addPeer, fellSilent, linkLost, linkRestored } from "../bus/membership.js"
import type { Message } from "../bus/messages.js"
import { receive } from "../bus/receive.js"
import { Node, type World } from "../node/node.js"
import { Random } from "../node/random.js"
import { Session, type SessionHandlers } from "../node/session.js"
import { Failure } from "../wire/answers.js"
import type { Argument } from "../wire/bytes.js"
import { leave, runDue, submit, thaw, turn, withdraw } from "./turn.js"

export interface ClusterOptions {
  /** The time in whole ms since 1970; it never goes back. */
  readonly now: () => number
  readonly seed: number
  readonly host: string
  readonly ports: ReadonlyArray<number>
  /** How long a message is under way, in ms. */
  readonly latency: number
  /** In ms. */
  readonly nodeTimeout: number
  /** In ms. */
  readonly federationDelay: number
  readonly requirepass: string
  /** In bytes. */
  readonly maxmemory: number | undefined
  readonly onShutdown: (node: Node) => void
}

/** A client of a node, from the client's side. */
export interface Client {
  /** Whether a command waits for a job or for copies, or the node is held, so that further ones would pile up. */
  readonly isBusy: () => boolean
  readonly send: (command: ReadonlyArray<Argument>) => void
  /** Calls `taken` if the command that the client waits for is a GETJOB, which is then forgotten. */
  readonly withdraw: (taken: () => void) => void
  readonly close: () => void
}

interface Envelope {
  readonly at: number
  readonly from: string
  readonly to: string
  readonly message: Message
}

/** How many messages are delivered in one go. */
const maxDeliveries = 100_000

const maxClients = new Failure("ERR max number of clients reached")

/** The nodes of one process, and the bus between them. Nothing happens in it unless somebody calls. */
export class Cluster implements World {
  readonly base: number
  readonly random: Random
  readonly nodes: ReadonlyArray<Node>
  readonly nodeTimeout: number
  readonly federationDelay: number
  /** Called when something is due before {@link awaited}. */
  onEarlier: () => void = () => {}
  /** Until when somebody waits, in ms since the base. */
  awaited = Number.POSITIVE_INFINITY

  private readonly options: ClusterOptions
  private readonly byId = new Map<string, Node>()
  private readonly bus = new Fifo<Envelope>()
  /** The pairs of nodes whose link is cut. */
  private readonly cuts = new Set<string>()

  constructor(options: ClusterOptions) {
    this.options = options
    this.base = Math.floor(options.now() / 1000) * 1000
    this.random = new Random(options.seed)
    this.nodeTimeout = options.nodeTimeout
    this.federationDelay = options.federationDelay
    this.nodes = options.ports.map((port) => this.makeNode(port))
    for (const node of this.nodes) for (const peer of this.nodes) addPeer(node, peer.id)
  }

  private makeNode(port: number): Node {
    const node = new Node(this, this.random.hex(40), this.options.host, port)
    node.config.requirepass = this.options.requirepass
    if (this.options.maxmemory !== undefined) node.config.maxmemory = this.options.maxmemory
    node.tick()
    node.startedAt = node.seconds
    this.byId.set(node.id, node)
    return node
  }

  readonly now = (): number => this.options.now() - this.base

  readonly send = (from: Node, to: string, message: Message): void =>
    this.bus.push({ at: this.now() + this.options.latency, from: from.id, to, message })

  readonly isLinked = (from: Node, to: string): boolean => {
    const other = this.byId.get(to)
    return other !== undefined && other !== from && from.alive && other.alive && !this.cuts.has(this.pair(from, other))
  }

  readonly addressOf = (id: string): { readonly host: string; readonly port: number } | undefined => this.byId.get(id)

  readonly idAt = (host: string, port: number): string | undefined =>
    host === this.options.host || host.startsWith("127.") || host === "::1"
      ? this.nodes.find((node) => node.port === port)?.id
      : undefined

  readonly rename = (node: Node, id: string): void => {
    this.byId.delete(node.id)
    node.id = id
    node.self = [id]
    this.byId.set(id, node)
  }

  readonly shutdown = (node: Node): void => {
    this.kill(node)
    this.options.onShutdown(node)
  }

  /** When something is due next, in ms since the base; `Infinity` if never. */
  nextDue(): number {
    let due = this.bus.peek()?.at ?? Number.POSITIVE_INFINITY
    for (const node of this.nodes) due = Math.min(due, node.nextDue)
    return due
  }

  /** Delivers the messages and runs the timers that are due. */
  advance(): void {
    let left = maxDeliveries
    for (let isDone = false; !isDone && left > 0; ) {
      isDone = true
      const now = this.now()
      for (let next = this.bus.peek(); next !== undefined && next.at <= now && left > 0; next = this.bus.peek()) {
        this.bus.shift()
        this.deliver(next)
        isDone = false
        left--
      }
      for (const node of this.nodes) {
        if (node.nextDue > now) continue
        runDue(node)
        isDone = false
      }
    }
  }

  private deliver({ from, to, message }: Envelope): void {
    const sender = this.byId.get(from)
    const node = this.byId.get(to)
    if (sender === undefined || node === undefined || !this.isLinked(sender, to)) return
    if (node.frozen) node.mailbox.push({ from, message })
    else turn(node, () => receive(node, from, message))
  }

  /** Makes sure that whoever waits does not wait too long. */
  private changed(): void {
    if (this.nextDue() < this.awaited) this.onEarlier()
  }

  /** Opens a session; `undefined` if the node is down, or has too many. */
  connect(
    node: Node,
    handlers: SessionHandlers,
    options: { readonly address?: string; readonly isAuthenticated?: boolean } = {}
  ): Client | undefined {
    if (!node.alive) return undefined
    const isInProcess = options.address === undefined
    if (!isInProcess && node.sessions.size >= Number(node.config.get("maxclients"))) {
      handlers.onAnswer(maxClients)
      return undefined
    }
    const id = node.nextSession()
    const session = new Session(id, options.address ?? `in-process:${id}`, handlers, {
      inProcess: isInProcess,
      authenticated: options.isAuthenticated ?? false,
      now: Math.floor(this.now() / 1000)
    })
    node.sessions.set(id, session)
    node.stats.connections++
    return {
      isBusy: () => session.blocked !== null || node.isHeld,
      send: (command) => {
        submit(node, session, command)
        this.changed()
      },
      withdraw: (taken) => {
        withdraw(node, session, taken)
        this.changed()
      },
      close: () => {
        leave(node, session)
        this.changed()
      }
    }
  }

  /** Does something to one node as if it had happened there. */
  private affect(node: Node, change: () => void): void {
    if (!node.alive) return
    if (node.frozen) {
      node.tick()
      change()
    } else {
      turn(node, change)
    }
  }

  private pair(a: Node, b: Node): string {
    return a.port < b.port ? `${a.port} ${b.port}` : `${b.port} ${a.port}`
  }

  private restoreLink(a: Node, b: Node): void {
    if (!this.isLinked(a, b.id) || a.frozen || b.frozen) return
    this.affect(a, () => linkRestored(a, b.id))
    this.affect(b, () => linkRestored(b, a.id))
  }

  /** Ends the node at once: its clients are cut off, its jobs are gone. */
  kill(node: Node): void {
    if (!node.alive) return
    node.setAlive(false)
    const sessions = [...node.sessions.values()]
    node.reset()
    for (const session of sessions) {
      session.closed = true
      session.blocked = null
      session.pending.drain()
      session.handlers.onEnd()
    }
    for (const other of this.nodes) if (other !== node) this.affect(other, () => linkLost(other, node.id))
    this.changed()
  }

  /** Starts the node again, empty and under the same id. */
  restart(node: Node): void {
    if (node.alive) return
    node.setAlive(true)
    node.tick()
    node.startedAt = node.seconds
    const known = [...node.peers.keys()]
    node.peers.clear()
    for (const id of known) addPeer(node, id)
    for (const other of this.nodes) if (other !== node) this.restoreLink(node, other)
    this.changed()
  }

  /** Makes the node leave the cluster, as CLUSTER LEAVING does. */
  leave(node: Node): void {
    this.affect(node, () => setLeaving(node, true))
    this.changed()
  }

  /** Stops the node where it is: it keeps its clients and its jobs, and does nothing. */
  freeze(node: Node): void {
    if (!node.alive || node.frozen) return
    node.frozen = true
    for (const other of this.nodes) if (other !== node) this.affect(other, () => fellSilent(other, node.id))
  }

  /** Lets a frozen node go on: all that came meanwhile reaches it now. */
  thaw(node: Node): void {
    if (!node.frozen) return
    thaw(node)
    for (const other of this.nodes) if (other !== node) this.restoreLink(node, other)
    this.changed()
  }

  /** Cuts the link between two nodes. */
  cut(a: Node, b: Node): void {
    if (a === b || this.cuts.has(this.pair(a, b))) return
    this.cuts.add(this.pair(a, b))
    this.affect(a, () => linkLost(a, b.id))
    this.affect(b, () => linkLost(b, a.id))
    this.changed()
  }

  /** Restores the link between two nodes. */
  heal(a: Node, b: Node): void {
    if (!this.cuts.delete(this.pair(a, b))) return
    this.restoreLink(a, b)
    this.changed()
  }
}
