import { Fifo } from "@disco/core"
import type { Message } from "../bus/messages.js"
import { Config } from "./config.js"
import { type Job, memoryOf } from "./job.js"
import type { Queue } from "./queue.js"
import type { Random } from "./random.js"
import type { Session } from "./session.js"
import { Alarm, TimerHeap } from "./timers.js"

/** Another node, as this one sees it. */
export interface Peer {
  readonly id: string
  leaving: boolean
  /** Suspected: it has not been heard for the node timeout. */
  suspected: boolean
  /** Failing: most nodes suspect it. */
  failing: boolean
  /** The nodes that reported it as suspected. */
  readonly reports: Set<string>
  /** Goes off when it has not been heard for the node timeout. */
  readonly silence: Alarm
}

/** The nodes that wait for jobs of a queue of this one, with how many each asked for. */
export interface Interest {
  readonly peers: Map<string, number>
  /** Goes off when it is time to give. */
  readonly give: Alarm
}

/** What a node needs of the world it lives in. */
export interface World {
  /** The time in ms since the base. */
  readonly now: () => number
  /** The base in ms since 1970, a whole number of seconds. */
  readonly base: number
  readonly random: Random
  /** How long a node may be silent before it is suspected, in ms. */
  readonly nodeTimeout: number
  /** How long after a job was queued it is given to a node that waits for it, in ms. */
  readonly federationDelay: number
  readonly send: (from: Node, to: string, message: Message) => void
  /** Whether messages reach the node. */
  readonly isLinked: (from: Node, to: string) => boolean
  readonly addressOf: (id: string) => { readonly host: string; readonly port: number } | undefined
  readonly idAt: (host: string, port: number) => string | undefined
  readonly rename: (node: Node, id: string) => void
  /** A client asked the node to end. */
  readonly shutdown: (node: Node) => void
}

/** What a fresh server takes of the memory that `maxmemory` limits, in bytes. */
const baseMemory = 773_528

/** One node: its state, and nothing of what is done with it. */
export class Node {
  id: string
  readonly host: string
  readonly port: number
  readonly world: World
  readonly config: Config

  /** The time of this turn, in ms and in whole s since the base. */
  ms = 0
  seconds = 0
  /** When the node started, in s since the base. */
  startedAt = 0

  readonly jobs = new Map<string, Job>()
  readonly queues = new Map<string, Queue>()
  readonly sessions = new Map<number, Session>()
  readonly jobTimers = new TimerHeap<Job>()
  readonly alarms = new TimerHeap<Alarm>()
  readonly readyQueues = new Set<Queue>()
  /** Sessions that may have commands to go on with. */
  readonly readySessions = new Fifo<Session>()
  readonly monitors = new Set<Session>()

  readonly peers = new Map<string, Peer>()
  /** The nodes that must not be met again for a while, and until when, in ms. */
  readonly forgotten = new Map<string, number>()
  readonly interests = new Map<string, Interest>()
  leaving = false
  /** Whether it has ever known another node. */
  isMet = false
  /** The list of holders of a job that only this node has. */
  self: ReadonlyArray<string>

  /** Changed by {@link setAlive} alone. */
  alive = true
  /** Called, once, when the node ends or is there again. */
  readonly watchers = new Set<() => void>()
  frozen = false
  /** Commands and messages that came while the node was frozen. */
  readonly mailbox = new Fifo<{ readonly from: string; readonly message: Message }>()
  /** Until when clients are paused, in ms; undefined while they are not. */
  pausedUntil: number | undefined = undefined
  readonly resume = new Alarm(() => {})
  busy = false

  /** Creation times of jobs grow: the last one given. */
  lastCreatedAt = -1
  lastSequence = 0

  private lastSerial = 0
  private lastSession = 0
  /** What jobs and queues take, in bytes. */
  memory = 0
  peakMemory = baseMemory
  readonly stats = { connections: 0, commands: 0, sent: 0, received: 0 }
  readonly calls = new Map<string, number>()
  /** Where the search for things to evict and to collect goes on. */
  evictions: IterableIterator<Job> | undefined = undefined
  collections: IterableIterator<Queue> | undefined = undefined

  constructor(world: World, id: string, host: string, port: number, config: Config = new Config(port)) {
    this.world = world
    this.id = id
    this.host = host
    this.port = port
    this.config = config
    this.self = [id]
  }

  setAlive(alive: boolean): void {
    this.alive = alive
    const watchers = [...this.watchers]
    this.watchers.clear()
    for (const watcher of watchers) watcher()
  }

  /** Takes the time of a turn. */
  tick(): void {
    this.ms = this.world.now()
    this.seconds = Math.floor(this.ms / 1000)
  }

  /** Whether commands have to wait. */
  get isHeld(): boolean {
    return this.frozen || this.pausedUntil !== undefined
  }

  get clusterSize(): number {
    return this.peers.size + 1
  }

  get usedMemory(): number {
    return baseMemory + this.memory
  }

  /** 0 while there is memory, 1 above 75 % of `maxmemory`, 2 above 95 %. */
  get memoryWarning(): number {
    const percent = Math.floor(this.config.maxmemory / 100)
    return this.usedMemory > percent * 95 ? 2 : this.usedMemory > percent * 75 ? 1 : 0
  }

  countMemory(job: Job, sign: 1 | -1): void {
    this.memory += sign * memoryOf(job)
    if (this.usedMemory > this.peakMemory) this.peakMemory = this.usedMemory
  }

  nextSerial(): number {
    return ++this.lastSerial
  }

  nextSession(): number {
    return ++this.lastSession
  }

  /** Empties the node, as its end does. What it knows of its peers stays, as that is kept on disk. */
  reset(): void {
    for (const held of [this.jobs, this.queues, this.sessions, this.readyQueues, this.monitors, this.interests]) {
      held.clear()
    }
    this.jobTimers.clear()
    this.alarms.clear()
    this.readySessions.drain()
    this.mailbox.drain()
    this.pausedUntil = undefined
    this.frozen = false
    this.leaving = false
    this.memory = 0
    this.evictions = undefined
    this.collections = undefined
  }

  /** When the node has something to do next, in ms; `Infinity` if never. */
  get nextDue(): number {
    return this.frozen || !this.alive ? Number.POSITIVE_INFINITY : Math.min(this.jobTimers.next, this.alarms.next)
  }

  send(to: string, message: Message): void {
    if (this.world.isLinked(this, to)) {
      this.stats.sent++
      this.world.send(this, to, message)
    }
  }

  /** Sends to those of `nodes` that are other than this one. */
  broadcast(nodes: Iterable<string>, message: Message): void {
    for (const id of nodes) if (id !== this.id && this.peers.has(id)) this.send(id, message)
  }

  /** The peers that can be counted on, as far as this node knows. */
  reachable(): Array<string> {
    const ids: Array<string> = []
    for (const peer of this.peers.values()) if (!peer.leaving && !peer.suspected && !peer.failing) ids.push(peer.id)
    return ids
  }
}
