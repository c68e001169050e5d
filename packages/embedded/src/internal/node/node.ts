import { Fifo } from "@disco/core/internal"
import type { Bus } from "./bus.js"
import type { Client } from "./client.js"
import { Config } from "./config.js"
import { type Job, memoryOf } from "./job.js"
import type { Disk, Journal } from "./journal.js"
import { LatencyMonitor } from "./latencyMonitor.js"
import type { ProcessFigures } from "./process.js"
import type { Queue } from "./queue.js"
import type { Random } from "./random.js"
import { SlowLog } from "./slowLog.js"
import { Statistics } from "./statistics.js"
import { Alarm, TimerHeap } from "./timers.js"

/** What a node needs of the process that runs it. */
export interface World {
  /** The time in whole µs since the base; it never goes back. */
  readonly micros: () => number
  /** The base in ms since 1970, a whole number of seconds. */
  readonly base: number
  readonly random: Random
  /** Called when the node has got another id. */
  readonly onRename: (before: string, now: string) => void
  /** Ends the node, as a client asked for. */
  readonly shutdown: () => void
  /** What INFO tells of the process; undefined if nothing is known of it. */
  readonly process?: ProcessFigures | undefined
}

export interface NodeOptions<B extends Bus> {
  readonly id: string
  readonly host: string
  readonly port: number
  readonly world: World
  /** Makes the node's part of the cluster bus. */
  readonly bus: (node: Node) => B
}

/** What a fresh server takes of the memory that `maxmemory` limits, in bytes. */
const baseMemory = 773_528

/** The state of one node. What happens to the state is in the other files. */
export class Node<B extends Bus = Bus> {
  id: string
  /** Differs from one start of the node to the next. */
  runId: string
  readonly host: string
  readonly port: number
  readonly world: World
  readonly config: Config
  readonly bus: B

  /** The records of the jobs, for a node on disk. */
  journal: Journal | undefined = undefined
  disk: Disk | undefined = undefined

  /** The time of this turn, in ms and in whole s since the base. */
  ms = 0
  seconds = 0
  /** When the clock was last read, in µs since the base. */
  private micros = 0
  /** When the node started, in s since the base. */
  startedAt = 0

  /** The jobs by id. Only the file `jobs.ts` changes it. */
  readonly jobs = new Map<string, Job>()
  readonly queues = new Map<string, Queue>()
  readonly clients = new Map<number, Client>()
  readonly jobTimers = new TimerHeap<Job>()
  readonly alarms = new TimerHeap<Alarm>()
  /** The queues that have jobs, or may have them soon, for clients that wait there. */
  readonly readyQueues = new Set<Queue>()
  /** The clients that may have commands to go on with. */
  readonly readyClients = new Fifo<Client>()
  /** The clients that wait for the copies of a job. */
  readonly producers = new Map<Job, Client>()
  readonly monitors = new Set<Client>()
  /** The list of holders of a job that only this node has. */
  self: ReadonlyArray<string>

  /** Until when clients are paused, in ms; undefined while they are not. */
  pausedUntil: number | undefined = undefined
  /** Makes the node look at `pausedUntil` in time. */
  readonly resume = new Alarm(() => {})
  /** Makes the node look for idle clients in time. */
  readonly idleCheck = new Alarm(() => {})

  /** The creation time of the youngest job: creation times never go back. */
  lastCreatedAt = -1
  lastSequence = 0

  private lastSerial = 0
  private lastClient = 0
  /** What jobs and queues take, in bytes. */
  memory = 0
  peakMemory = baseMemory
  readonly statistics = new Statistics()
  slowLog: SlowLog
  readonly latency: LatencyMonitor
  /** Where the search for jobs to evict goes on, and that for queues to forget. */
  evictions: IterableIterator<Job> | undefined = undefined
  collections: IterableIterator<Queue> | undefined = undefined
  /** The unfinished scans, by command and cursor: an iterator of a map survives changes of the map. */
  readonly scans = new Map<string, IterableIterator<{ readonly serial: number }>>()

  constructor(options: NodeOptions<B>) {
    this.world = options.world
    this.id = this.runId = options.id
    this.host = options.host
    this.port = options.port
    this.config = new Config(options.port)
    this.self = [options.id]
    this.slowLog = this.emptyLog()
    this.latency = new LatencyMonitor({
      config: this.config,
      // A disk may be slow outside of a turn too.
      unixSeconds: () => this.unixSecondsOf(this.world.micros())
    })
    this.bus = options.bus(this)
  }

  /** Reads the clock, for one turn. */
  tick(): void {
    this.micros = this.world.micros()
    this.ms = Math.floor(this.micros / 1000)
    this.seconds = Math.floor(this.ms / 1000)
    this.statistics.tick(this.ms)
  }

  /** Reads the clock within a turn, and gives the µs since it was last read. The time of the turn stays as it is. */
  lap(): number {
    const before = this.micros
    this.micros = this.world.micros()
    return this.micros - before
  }

  /** When the clock was last read, in s since 1970. */
  get unixSeconds(): number {
    return this.unixSecondsOf(this.micros)
  }

  private unixSecondsOf(micros: number): number {
    return this.world.base / 1000 + Math.floor(micros / 1e6)
  }

  private emptyLog(): SlowLog {
    return new SlowLog({ config: this.config, unixSeconds: () => this.unixSeconds })
  }

  /** Gives the node another id. */
  rename(id: string): void {
    const before = this.id
    this.id = id
    this.self = [id]
    this.world.onRename(before, id)
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

  /** The number of the youngest job or queue. */
  get serial(): number {
    return this.lastSerial
  }

  nextSerial(): number {
    return ++this.lastSerial
  }

  nextClient(): number {
    return ++this.lastClient
  }

  /** When the node has something to do next, in ms; `Infinity` if never. */
  get nextDue(): number {
    return Math.min(this.jobTimers.next, this.alarms.next)
  }

  /** Empties the node, as the end of its process does. */
  reset(): void {
    for (const held of [
      this.jobs,
      this.queues,
      this.clients,
      this.readyQueues,
      this.producers,
      this.monitors,
      this.scans
    ]) {
      held.clear()
    }
    this.runId = this.world.random.hex(40)
    this.lastClient = 0
    this.jobTimers.clear()
    this.alarms.clear()
    this.readyClients.drain()
    this.pausedUntil = undefined
    this.memory = 0
    this.peakMemory = baseMemory
    this.slowLog = this.emptyLog()
    this.latency.clear()
    this.evictions = undefined
    this.collections = undefined
  }
}
