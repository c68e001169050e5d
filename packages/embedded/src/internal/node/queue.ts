import type { Client } from "./client.js"
import { JobList } from "./jobList.js"

/** What a paused queue refuses: jobs in, jobs out, or both. */
export const Pause = { none: 0, in: 1, out: 2, all: 3 } as const

export const pauseNames: ReadonlyArray<string> = ["none", "in", "out", "all"]

/** What a queue takes of the memory that `maxmemory` limits, in bytes; measured on a server. */
export const queueMemory = (name: string): number => 1500 + name.length

/** How long the rate of imports counts an imported job, in ms. */
const importWindow = 5000

/** A queue of one node. Times are relative to the cluster's base. */
export class Queue {
  readonly name: string
  /** The number of the queue on its node: the order of scans. */
  readonly serial: number
  readonly jobs = new JobList()
  /** In s. */
  readonly createdAt: number
  /** When a job last came or went, in s. */
  usedAt: number
  paused: number = Pause.none
  jobsIn = 0
  jobsOut = 0
  /** The clients blocked here, in order of arrival. */
  clients: Set<Client> | null = null
  /** The nodes that gave jobs of this queue, and when each last did, in s. */
  sources: Map<string, number> | null = null
  /** The nodes that have a standing request for jobs of this queue. */
  asked: Set<string> | null = null
  /** When other nodes were last polled for jobs, in ms. */
  askedAt = Number.NEGATIVE_INFINITY
  private importsFrom: number
  private imports = 0
  private earlierFrom: number
  private earlierImports = 0

  constructor(name: string, serial: number, now: number) {
    this.name = name
    this.serial = serial
    this.createdAt = this.usedAt = Math.floor(now / 1000)
    this.importsFrom = this.earlierFrom = now
  }

  /** How many jobs other nodes gave lately, per second; a rough count. */
  importRate(now: number): number {
    if (now - this.importsFrom > importWindow) return 0
    const elapsed = Math.max(50, now - this.earlierFrom)
    return Math.ceil(((this.earlierImports + this.imports) * 1000) / elapsed)
  }

  countImport(now: number): void {
    if (now - this.importsFrom > 1000) {
      this.earlierFrom = this.importsFrom
      this.earlierImports = this.imports
      this.importsFrom = now
      this.imports = 0
    }
    this.imports++
  }
}
