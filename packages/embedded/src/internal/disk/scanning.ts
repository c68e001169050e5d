/** Reads an append-only file past what is damaged in it, in little memory. */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { State } from "../node/job.js"
import { readEntry } from "./entries.js"
import { Damage, type Record, RecordReader } from "./recordReader.js"

const chunkSize = 256 * 1024

/**
 * A part of a file.
 *
 * @since 0.1.0
 * @category models
 */
export interface FilePart {
  /** Where it begins, in bytes. */
  readonly offset: number
  /** In bytes. */
  readonly length: number
}

/**
 * A part of a file that holds no record that can be read.
 *
 * @since 0.1.0
 * @category models
 */
export interface DamagedPart extends FilePart {
  /** What is wrong where it begins. */
  readonly reason: string
}

/**
 * What is in an append-only file.
 *
 * @since 0.1.0
 * @category models
 */
export interface Report {
  /** The length of the file. */
  readonly bytes: number
  /** How many records add a job (LOADJOB). */
  readonly added: number
  /** How many records say that a job is gone (DELJOB). */
  readonly deleted: number
  /** How many jobs were added and are neither gone nor expired. */
  readonly live: number
  /** The damaged parts, in their order. */
  readonly damaged: ReadonlyArray<DamagedPart>
  /** How many records can be read after the first damage. */
  readonly after: number
  /**
   * The beginning of a last record that is not whole, in bytes: the process or the system ended while it was written. No damage: the
   * next start cuts it off.
   */
  readonly torn: FilePart | undefined
}

const empty = new Uint8Array(0)
const star = 0x2a

const starts = ["*2\r\n$7\r\nLOADJOB\r\n", "*2\r\n$6\r\nDELJOB\r\n"].map((text) => new TextEncoder().encode(text))
const longestStart = Math.max(...starts.map((start) => start.length))

const findStart = (bytes: Uint8Array): number => {
  for (let at = bytes.indexOf(star); at >= 0; at = bytes.indexOf(star, at + 1)) {
    if (starts.some((start) => start.every((byte, i) => bytes[at + i] === byte))) return at
  }
  return -1
}

/** Parts of a file that is read mostly in order. */
class Window {
  private readonly file: FileSystem.File
  private start = 0
  private bytes: Uint8Array = empty

  constructor(file: FileSystem.File) {
    this.file = file
  }

  /** Where what was read last ends. */
  get end(): number {
    return this.start + this.bytes.length
  }

  /** Some bytes from `offset` on: `least` or more, except at the end of the file. */
  from(offset: number, least: number): Effect.Effect<Uint8Array, PlatformError> {
    return Effect.gen(this, function* () {
      if (offset < this.start || offset + least > this.end) {
        yield* this.file.seek(FileSystem.Size(offset), "start")
        const read = yield* this.file.readAlloc(chunkSize)
        this.start = offset
        this.bytes = read._tag === "Some" ? read.value : empty
      }
      return this.bytes.subarray(offset - this.start)
    })
  }
}

/** Where the next record seems to begin, from `offset` on. */
const nextStart = (window: Window, offset: number): Effect.Effect<number | undefined, PlatformError> =>
  Effect.gen(function* () {
    for (let at = offset; ; ) {
      const bytes = yield* window.from(at, longestStart)
      const found = findStart(bytes)
      if (found >= 0) return at + found
      if (bytes.length < longestStart) return undefined
      at += bytes.length - longestStart + 1
    }
  })

/** Counts records. */
class Tally {
  private readonly now: number
  private readonly jobs = new Set<string>()
  added = 0
  deleted = 0
  after = 0
  readonly damaged: Array<DamagedPart> = []
  /** The damage that goes on until a record can be read. */
  damage: Damage | undefined

  /** `now` is in s since 1970. */
  constructor(now: number) {
    this.now = now
  }

  get live(): number {
    return this.jobs.size
  }

  /** A text says what is wrong with the record. */
  add(record: Record, offset: number): string | undefined {
    const entry = readEntry(record)
    if (typeof entry === "string") return entry
    this.endDamage(offset)
    if (this.damaged.length > 0) this.after++
    if ("deleted" in entry) {
      this.deleted++
      this.jobs.delete(entry.deleted)
    } else {
      this.added++
      if (entry.expiresAt > this.now && entry.state !== State.acked) this.jobs.add(entry.id)
    }
    return undefined
  }

  endDamage(end: number): void {
    if (this.damage === undefined) return
    const { offset, reason } = this.damage
    this.damaged.push({ offset, length: end - offset, reason })
    this.damage = undefined
  }
}

/** Takes the records of some bytes; what is wrong ends that. */
const takeRecords = (reader: RecordReader, bytes: Uint8Array, tally: Tally): Damage | undefined => {
  reader.feed(bytes)
  for (let start = reader.offset; ; start = reader.offset) {
    const record = reader.next()
    if (record === undefined || record instanceof Damage) return record
    const wrong = tally.add(record, start)
    if (wrong !== undefined) return new Damage(start, wrong)
  }
}

/**
 * Reads a file to its end. After a damage it goes on where the next record seems to begin, so that nothing that can be read is left
 * out. Memory is taken for the longest record and the ids of the jobs. `now` is in s since 1970.
 */
export const scan = (fs: FileSystem.FileSystem, path: string, now: number): Effect.Effect<Report, PlatformError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const window = new Window(yield* fs.open(path, { flag: "r" }))
      const tally = new Tally(now)
      let reader = new RecordReader()
      let at = 0
      let torn: FilePart | undefined
      while (true) {
        const bytes = yield* window.from(at, 1)
        if (bytes.length === 0) break
        at += bytes.length
        const damage = takeRecords(reader, bytes, tally)
        if (damage === undefined) continue
        tally.damage ??= damage
        const next = yield* nextStart(window, damage.offset + 1)
        reader = new RecordReader()
        reader.offset = at = next ?? window.end
        if (next === undefined) break
      }
      if (tally.damage === undefined && reader.unfinished > 0)
        torn = { offset: reader.offset, length: at - reader.offset }
      tally.endDamage(at)
      const { added, after, damaged, deleted, live } = tally
      return { bytes: at, added, deleted, live, damaged, after, torn }
    })
  )

/** The parts of the file that hold whole records. */
export const wholeParts = ({
  bytes,
  damaged,
  torn
}: Report): ReadonlyArray<{ readonly start: number; readonly end: number }> => {
  const parts: Array<{ readonly start: number; readonly end: number }> = []
  let start = 0
  for (const { length, offset } of torn === undefined ? damaged : [...damaged, torn]) {
    if (offset > start) parts.push({ start, end: offset })
    start = offset + length
  }
  if (bytes > start) parts.push({ start, end: bytes })
  return parts
}
