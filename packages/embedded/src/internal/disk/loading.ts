/** The jobs of an append-only file, into a node. */
import type { PlatformError } from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { Flag, Job, State } from "../node/job.js"
import { register, registerQueued, unregister } from "../node/jobs.js"
import type { Node } from "../node/node.js"
import { requeueTime } from "../node/schedule.js"
import { bodyFrom, fromBytes } from "../wire/bytes.js"
import { uint32 } from "../wire/integers.js"
import { readEntry } from "./entries.js"
import { Damage, type Record, RecordReader } from "./recordReader.js"
import type { Part, StoredJob } from "./records.js"

const chunkSize = 256 * 1024

const isText = ({ bytes, end, start }: Part, text: string): boolean => {
  if (end - start !== text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false
  return true
}

/** Keeps one string for all jobs of a queue. */
class Names {
  private readonly known = new Map<string, string>()
  private last = ""

  get(part: Part): string {
    // Most often it is the one of the job before.
    if (isText(part, this.last)) return this.last
    const name = fromBytes(part.bytes, part.start, part.end)
    const known = this.known.get(name)
    if (known === undefined) this.known.set(name, name)
    this.last = known ?? name
    return this.last
  }
}

export interface LoadOptions {
  /** Whether the jobs that were queued are queued at once, rather than after their retry time. */
  readonly enqueueOnce: boolean
  /** Does work in a turn of the node. */
  readonly turn: (work: () => void) => void
  /** Told how many bytes are read. */
  readonly onProgress: (bytes: number) => Effect.Effect<void>
  /** Whether the node has ended meanwhile. */
  readonly isOver: () => boolean
}

/** How far the file was read: `unfinished` bytes after `end` are the beginning of a record. */
export interface Loaded {
  readonly end: number
  readonly unfinished: number
}

/** Puts the records of a file into effect, one after the other. */
export class Loader {
  private readonly node: Node
  private readonly enqueueOnce: boolean
  private readonly queues = new Names()
  private readonly holders = new Names()

  constructor(node: Node, enqueueOnce: boolean) {
    this.node = node
    this.enqueueOnce = enqueueOnce
  }

  /** A text says what is wrong with the record. */
  apply(record: Record): string | undefined {
    const entry = readEntry(record)
    if (typeof entry === "string") return entry
    if (!("deleted" in entry)) return this.load(entry)
    const job = this.node.jobs.get(entry.deleted)
    if (job !== undefined) unregister(this.node, job)
    return undefined
  }

  private load(stored: StoredJob): undefined {
    const { node } = this
    const { base } = node.world
    const expiresAt = stored.expiresAt - base / 1000
    if (expiresAt <= node.seconds || stored.state === State.acked) return undefined
    const job = new Job(stored.id, State.active, this.holdersOf(stored.holders))
    job.flags = stored.flags
    job.replicate = stored.replicate
    job.createdAt = stored.createdAt - base
    job.sequence = stored.sequence
    job.expiresAt = expiresAt
    job.delay = stored.delay
    job.retry = stored.retry
    job.nacks = stored.nacks
    job.deliveries = stored.deliveries
    job.queue = this.queues.get(stored.queue)
    job.body = bodyFrom(stored.body.bytes, stored.body.start, stored.body.end)
    if (job.retry > 0) {
      job.flags |= Flag.broadcastWillQueue
      job.requeueAt = requeueTime(node, job) + uint32(job.delay * 1000)
    }
    const isLast = job.createdAt === node.lastCreatedAt && job.sequence > node.lastSequence
    if (job.createdAt > node.lastCreatedAt || isLast) {
      node.lastCreatedAt = job.createdAt
      node.lastSequence = job.sequence
    }
    if (stored.state === State.queued && this.enqueueOnce) registerQueued(node, job)
    else register(node, job)
    return undefined
  }

  /** The holders that are nodes of the cluster. */
  private holdersOf(ids: ReadonlyArray<Part>): ReadonlyArray<string> {
    const { node } = this
    if (ids.length === 1) {
      const id = this.holders.get(ids[0] as Part)
      return id === node.id ? node.self : node.bus.members.has(id) ? [id] : []
    }
    return ids.map((id) => this.holders.get(id)).filter((id) => id === node.id || node.bus.members.has(id))
  }
}

/** Reads a file into a node, in chunks between which clients are served. */
export const loadFile = (
  fs: FileSystem.FileSystem,
  path: string,
  node: Node,
  options: LoadOptions
): Effect.Effect<Loaded, PlatformError | Damage> =>
  Effect.scoped(
    Effect.gen(function* () {
      const file = yield* fs.open(path, { flag: "r" })
      const reader = new RecordReader()
      const loader = new Loader(node, options.enqueueOnce)
      let read = 0
      while (true) {
        const chunk = yield* file.readAlloc(chunkSize)
        if (chunk._tag === "None" || options.isOver()) return { end: reader.offset, unfinished: reader.unfinished }
        reader.feed(chunk.value)
        read += chunk.value.length
        let damage: Damage | undefined
        options.turn(() => {
          for (let start = reader.offset, record = reader.next(); record !== undefined; ) {
            const wrong = record instanceof Damage ? record : loader.apply(record)
            if (wrong !== undefined) {
              damage = typeof wrong === "string" ? new Damage(start, wrong) : wrong
              return
            }
            start = reader.offset
            record = reader.next()
          }
        })
        if (damage !== undefined) return yield* Effect.fail(damage)
        yield* options.onProgress(read)
      }
    })
  )
