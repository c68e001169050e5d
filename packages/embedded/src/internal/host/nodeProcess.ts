import * as Effect from "effect/Effect"
import { type BusOptions, ClusterBus } from "../bus/bus.js"
import type { Message } from "../bus/messages.js"
import type { Network } from "../bus/peers.js"
import { NodeStorage, type Needs as StorageNeeds } from "../disk/nodeStorage.js"
import type { StorageError } from "../disk/storageError.js"
import type { SessionHandlers } from "../node/client.js"
import { addClient, type ClientOptions, dropClients } from "../node/clients.js"
import { redeliver } from "../node/jobs.js"
import { Node, type World } from "../node/node.js"
import { restore } from "../node/snapshot.js"
import { type Argument, asBody, asText, fromText } from "../wire/bytes.js"
import { EventLoop } from "./eventLoop.js"

/**
 * An open session with a node, from the client's side.
 *
 * @since 0.1.0
 * @category models
 */
export interface Session {
  /** Whether the node is frozen or paused, or a command waits for a job or for copies: further commands would pile up. */
  readonly isBusy: () => boolean
  readonly send: (command: ReadonlyArray<Argument>) => void
  /** Withdraws the GETJOB that the client waits for, and calls `onTaken`; nothing happens if there is none. */
  readonly withdraw: (onTaken: () => void) => void
  readonly close: () => void
  /** Tells how many bytes came over the network. */
  readonly received: (bytes: number) => void
  /** Tells how many bytes went over the network. */
  readonly sent: (bytes: number) => void
}

/**
 * A job that a node has forgotten.
 *
 * @since 0.1.0
 * @category models
 */
export interface ForgottenJob {
  readonly id: string
  readonly queue: string
  readonly body: Uint8Array
  /** In seconds, at least 1: an at-most-once job never comes again. */
  readonly retry: number
  /** In seconds, from now on. */
  readonly ttl: number
}

/** Where a node keeps its jobs, and how. */
export interface DiskOptions extends Pick<StorageNeeds, "fs" | "folder" | "fork"> {
  readonly appendfsync: string
  /** Whether the jobs that were queued are queued at once after a start, rather than after their retry time. */
  readonly enqueueOnce: boolean
}

export interface NodeProcessOptions extends BusOptions {
  readonly id: string
  readonly host: string
  readonly port: number
  /** The password that clients have to give; empty for none. */
  readonly requirepass: string
  /** In bytes. */
  readonly maxmemory: number | undefined
  /** Other parameters, by name. */
  readonly config: Readonly<Record<string, string>>
  readonly world: World
  readonly network: Network
  /** For a node on disk. */
  readonly disk: DiskOptions | undefined
  /** Called when a client has done something, after which other things may be due. */
  readonly onActivity: () => void
}

/** A node as if it were a process of its own: it starts and ends, is frozen and thawed, and has clients. */
export class NodeProcess {
  private readonly node: Node<ClusterBus>
  private readonly loop: EventLoop<Message>
  private readonly onActivity: () => void
  private readonly storage: NodeStorage | undefined
  private readonly enqueueOnce: boolean
  private isRunning = true
  /** Called, once, when the node ends or starts again. */
  private readonly watchers = new Set<() => void>()

  constructor(options: NodeProcessOptions) {
    this.node = new Node({ ...options, bus: (node) => new ClusterBus(node, options.network, options) })
    this.loop = new EventLoop(this.node, (from, message) => this.node.bus.receive(from, message))
    this.onActivity = options.onActivity
    const { config } = this.node
    config.requirepass = options.requirepass
    if (options.maxmemory !== undefined) config.maxmemory = options.maxmemory
    this.enqueueOnce = options.disk?.enqueueOnce ?? false
    this.storage = options.disk === undefined ? undefined : this.makeStorage(options.disk)
    // A file with parameters says more than the defaults of a node on disk.
    for (const [name, value] of Object.entries(options.config)) config.start(name, value)
    this.begin()
  }

  private makeStorage({ appendfsync, folder, fork, fs }: DiskOptions): NodeStorage {
    const { loop, node } = this
    node.config.keep("dir", folder.path)
    node.config.keep("appendonly", "yes")
    node.config.keep("appendfsync", appendfsync)
    const storage = new NodeStorage({
      fs,
      folder,
      fork,
      node,
      turn: (work) => this.change(work),
      hold: (isHeld) => {
        loop.isLoading = isHeld
        if (isHeld) return
        loop.goOn()
        this.onActivity()
      },
      onRoom: () => loop.goOn()
    })
    node.journal = storage.journal
    node.disk = storage
    return storage
  }

  /** Reads the jobs that the node has on disk. */
  get load(): Effect.Effect<void, StorageError> {
    return this.storage?.start(this.enqueueOnce) ?? Effect.void
  }

  /** Writes records as they come. */
  get record(): Effect.Effect<void> {
    return this.storage?.journal.run ?? Effect.void
  }

  /** Brings all that the node has on disk into its final form, before the node ends. */
  get putAway(): Effect.Effect<void> {
    return this.isRunning ? (this.storage?.end ?? Effect.void) : Effect.void
  }

  private begin(): void {
    this.node.tick()
    this.node.startedAt = this.node.seconds
    this.node.statistics.reset(this.node.ms)
    this.storage?.begin()
  }

  get id(): string {
    return this.node.id
  }

  get host(): string {
    return this.node.host
  }

  get port(): number {
    return this.node.port
  }

  get isUp(): boolean {
    return this.isRunning
  }

  get isFrozen(): boolean {
    return this.loop.isFrozen
  }

  /** When something is due next, in ms since the base; `Infinity` if never. */
  get nextDue(): number {
    return this.isRunning ? this.loop.nextDue : Number.POSITIVE_INFINITY
  }

  /** Calls `watcher` once when the node ends or starts again, unless the function that this returns is called before. */
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher)
    return () => this.watchers.delete(watcher)
  }

  private setRunning(isRunning: boolean): void {
    this.isRunning = isRunning
    const watchers = [...this.watchers]
    this.watchers.clear()
    for (const watcher of watchers) watcher()
  }

  /** Opens a session; `undefined` if the node is down, or has too many. */
  connect(handlers: SessionHandlers, options: ClientOptions = {}): Session | undefined {
    const client = this.isRunning ? addClient(this.node, handlers, options) : undefined
    if (client === undefined) return undefined
    const { loop, node, onActivity } = this
    const { config, statistics } = node
    // A large command or answer that is under way is no idleness.
    const moved = () => {
      if (config.idleSeconds > 0) client.lastAt = Math.floor(node.world.micros() / 1e6)
    }
    onActivity()
    return {
      isBusy: () => client.blocked !== null || loop.isHeld || node.journal?.isFull() === true,
      send: (command) => {
        loop.submit(client, command)
        onActivity()
      },
      withdraw: (onTaken) => {
        loop.withdraw(client, onTaken)
        onActivity()
      },
      close: () => {
        loop.leave(client)
        onActivity()
      },
      received: (bytes) => {
        statistics.inputBytes += bytes
        moved()
      },
      sent: (bytes) => {
        statistics.outputBytes += bytes
        moved()
      }
    }
  }

  /** Does what is due. */
  runDue(): void {
    this.loop.runDue()
  }

  /** Takes a message of another node. */
  receive(from: string, message: Message): void {
    this.loop.receive(from, message)
  }

  /** Makes another node known to this one. */
  addPeer(id: string): void {
    this.node.bus.members.add(id)
  }

  /** Ends the node at once; false if it is down already. */
  kill(): boolean {
    if (!this.isRunning) return false
    this.setRunning(false)
    this.storage?.crash()
    const clients = [...this.node.clients.values()]
    this.node.reset()
    this.node.bus.stop()
    this.loop.reset()
    dropClients(clients)
    return true
  }

  /** Starts the node again, empty and under the same id; false if it is up. */
  restart(): boolean {
    if (this.isRunning) return false
    this.setRunning(true)
    this.begin()
    this.node.bus.restart()
    return true
  }

  /** Stops the node where it is; false if it is down or frozen. */
  freeze(): boolean {
    if (!this.isRunning || this.loop.isFrozen) return false
    this.loop.isFrozen = true
    return true
  }

  /** Lets a frozen node go on; false if it is not frozen. */
  thaw(): boolean {
    if (!this.loop.isFrozen) return false
    this.loop.thaw()
    return true
  }

  /** Makes the node leave the cluster, as CLUSTER LEAVING does. */
  leave(): void {
    this.change(() => this.node.bus.members.setLeaving(true))
  }

  /** Queues a job that was acknowledged once more; false if the node is down or knows the job, or if the job never comes again. */
  redeliver({ body, id, queue, retry, ttl }: ForgottenJob): boolean {
    let isQueued = false
    this.change(() => {
      const { ms, self } = this.node
      const known = {
        flags: 0,
        replicate: 1,
        createdAt: ms,
        sequence: 0,
        delay: 0,
        nacks: 0,
        deliveries: 0,
        holders: self
      }
      const job = restore(this.node, { ...known, id, queue: asText(fromText(queue)), body: asBody(body), retry, ttl })
      isQueued = redeliver(this.node, job)
    })
    return isQueued
  }

  fellSilent(id: string): void {
    this.change(() => this.node.bus.fellSilent(id))
  }

  linkLost(id: string): void {
    this.change(() => this.node.bus.linkLost(id))
  }

  linkRestored(id: string): void {
    this.change(() => this.node.bus.linkRestored(id))
  }

  private change(change: () => void): void {
    if (!this.isRunning) return
    this.loop.change(change)
    this.onActivity()
  }
}
