import { Fifo } from "@disco/core/internal"
import type { Message } from "../bus/messages.js"
import type { ProcessFigures } from "../node/process.js"
import { Random } from "../node/random.js"
import { type DiskOptions, NodeProcess } from "./nodeProcess.js"

export interface ClusterOptions {
  /** The time in whole µs since 1970; it never goes back. */
  readonly micros: () => number
  /** What is known of the process; undefined if nothing is. */
  readonly process?: ProcessFigures | undefined
  readonly seed: number
  readonly host: string
  readonly ports: ReadonlyArray<number>
  /** How long a message is under way, in ms. */
  readonly latency: number
  /** In ms. */
  readonly nodeTimeout: number
  /** In ms. */
  readonly federationDelay: number
  /** The password that clients have to give; empty for none. */
  readonly requirepass: string
  /** In bytes. */
  readonly maxmemory: number | undefined
  /** Other parameters of all nodes, by name. */
  readonly config: Readonly<Record<string, string>>
  /** For nodes on disk: one for each node. */
  readonly disks?: ReadonlyArray<DiskOptions>
  readonly onShutdown: (node: NodeProcess) => void
}

/** A message under way. */
interface InTransit {
  readonly at: number
  readonly from: string
  readonly to: string
  readonly message: Message
}

/** How many messages are delivered in one go. */
const maxDeliveries = 100_000

/** The nodes of one process, and the links between them. Nothing happens in a cluster unless somebody calls. */
export class Cluster {
  readonly nodes: ReadonlyArray<NodeProcess>
  /** Called when something is due before {@link awaited}. */
  onEarlier: () => void = () => {}
  /** The time that the caller of `advance` waits for, in ms since the base. */
  awaited = Number.POSITIVE_INFINITY

  /** In ms since 1970, a whole number of seconds. */
  private readonly base: number
  private readonly random: Random
  private readonly options: ClusterOptions
  private readonly byId = new Map<string, NodeProcess>()
  private readonly inTransit = new Fifo<InTransit>()
  /** The pairs of nodes whose link is cut. */
  private readonly cuts = new Set<string>()

  constructor(options: ClusterOptions) {
    this.options = options
    this.base = Math.floor(options.micros() / 1e6) * 1000
    this.random = new Random(options.seed)
    this.nodes = options.ports.map((port, i) => this.makeNode(port, options.disks?.[i]))
    for (const node of this.nodes) for (const peer of this.nodes) node.addPeer(peer.id)
  }

  private makeNode(port: number, disk: DiskOptions | undefined): NodeProcess {
    const { config, federationDelay, host, maxmemory, nodeTimeout, requirepass } = this.options
    const node: NodeProcess = new NodeProcess({
      id: disk?.folder.id ?? this.random.hex(40),
      disk,
      host,
      port,
      requirepass,
      maxmemory,
      config,
      nodeTimeout,
      federationDelay,
      world: {
        base: this.base,
        micros: this.micros,
        process: this.options.process,
        random: this.random,
        onRename: (before, now) => {
          this.byId.delete(before)
          this.byId.set(now, node)
        },
        shutdown: () => {
          this.kill(node)
          this.options.onShutdown(node)
        }
      },
      network: {
        isLinked: (to) => this.isLinked(node, to),
        send: (to, message) =>
          this.inTransit.push({ at: this.now() + this.options.latency, from: node.id, to, message }),
        addressOf: (id) => this.byId.get(id),
        idAt: (host, port) => this.idAt(host, port)
      },
      onActivity: () => this.changed()
    })
    this.byId.set(node.id, node)
    return node
  }

  /** In µs since the base. */
  private readonly micros = (): number => this.options.micros() - this.base * 1000

  /** In ms since the base. */
  readonly now = (): number => Math.floor(this.micros() / 1000)

  private isLinked(from: NodeProcess, to: string): boolean {
    const other = this.byId.get(to)
    return other !== undefined && other !== from && from.isUp && other.isUp && !this.cuts.has(pairOf(from, other))
  }

  private idAt(host: string, port: number): string | undefined {
    return host === this.options.host || host.startsWith("127.") || host === "::1"
      ? this.nodes.find((node) => node.port === port)?.id
      : undefined
  }

  /** When something is due next, in ms since the base; `Infinity` if never. */
  nextDue(): number {
    let due = this.inTransit.peek()?.at ?? Number.POSITIVE_INFINITY
    for (const node of this.nodes) due = Math.min(due, node.nextDue)
    return due
  }

  /** Delivers the messages and runs the timers that are due. */
  advance(): void {
    let left = maxDeliveries
    for (let isDone = false; !isDone && left > 0; ) {
      isDone = true
      const now = this.now()
      for (
        let next = this.inTransit.peek();
        next !== undefined && next.at <= now && left > 0;
        next = this.inTransit.peek()
      ) {
        this.inTransit.shift()
        this.deliver(next)
        isDone = false
        left--
      }
      for (const node of this.nodes) {
        if (node.nextDue > now) continue
        node.runDue()
        isDone = false
      }
    }
  }

  private deliver({ from, to, message }: InTransit): void {
    const sender = this.byId.get(from)
    const node = this.byId.get(to)
    if (sender === undefined || node === undefined || !this.isLinked(sender, to)) return
    node.receive(from, message)
  }

  /** Wakes the caller of `advance` if something is due earlier than it waits for. */
  private changed(): void {
    if (this.nextDue() < this.awaited) this.onEarlier()
  }

  private others(node: NodeProcess): ReadonlyArray<NodeProcess> {
    return this.nodes.filter((other) => other !== node)
  }

  private restoreLink(a: NodeProcess, b: NodeProcess): void {
    if (!this.isLinked(a, b.id) || a.isFrozen || b.isFrozen) return
    a.linkRestored(b.id)
    b.linkRestored(a.id)
  }

  /** Ends the node at once: its clients are cut off, its jobs are gone. */
  kill(node: NodeProcess): void {
    if (!node.kill()) return
    for (const other of this.others(node)) other.linkLost(node.id)
    this.changed()
  }

  /** Starts the node again, empty and under the same id. */
  restart(node: NodeProcess): void {
    if (!node.restart()) return
    for (const other of this.others(node)) this.restoreLink(node, other)
    this.changed()
  }

  /** Makes the node leave the cluster, as CLUSTER LEAVING does. */
  leave(node: NodeProcess): void {
    node.leave()
    this.changed()
  }

  /** Stops the node where it is: it keeps its clients and its jobs, and does nothing. */
  freeze(node: NodeProcess): void {
    if (!node.freeze()) return
    for (const other of this.others(node)) other.fellSilent(node.id)
  }

  /** Lets a frozen node go on, with all that arrived meanwhile. */
  thaw(node: NodeProcess): void {
    if (!node.thaw()) return
    for (const other of this.others(node)) this.restoreLink(node, other)
    this.changed()
  }

  /** Cuts the link between two nodes. */
  cut(a: NodeProcess, b: NodeProcess): void {
    if (a === b || this.cuts.has(pairOf(a, b))) return
    this.cuts.add(pairOf(a, b))
    a.linkLost(b.id)
    b.linkLost(a.id)
    this.changed()
  }

  /** Restores the link between two nodes. */
  heal(a: NodeProcess, b: NodeProcess): void {
    if (!this.cuts.delete(pairOf(a, b))) return
    this.restoreLink(a, b)
    this.changed()
  }
}

const pairOf = (a: NodeProcess, b: NodeProcess): string =>
  a.port < b.port ? `${a.port} ${b.port}` : `${b.port} ${a.port}`
