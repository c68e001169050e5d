/**
 * The records of an append-only file, exactly as Disque 1.0-rc1 writes them: `LOADJOB <job>` and `DELJOB <id>` as commands in RESP.
 */
import type { Job } from "../node/job.js"
import { type Argument, fromBytes, writeText } from "../wire/bytes.js"

/** The serialized fields of a job that have a fixed length, in bytes. */
export const headLength = 68

const idLength = 40

/** The length of the name of a node. */
export const nodeIdLength = 40

const leastBuffer = 4096

/** More bytes than these are handed over as they are, fewer are copied: what is kept of them for a while takes no more memory. */
const mostKept = 256 * 1024

/** Collects records, until they are taken. */
export class RecordBuffer {
  private bytes = new Uint8Array(leastBuffer)
  private view = new DataView(this.bytes.buffer)
  /** How a record begins whose job has so many bytes. Often many of the same size follow each other. */
  private start = ""
  private startSize = -1
  /** How many bytes wait to be taken. */
  length = 0

  /** The bytes so far. They are the caller's: the buffer begins anew. */
  take(): Uint8Array {
    const taken = this.length > mostKept ? this.bytes.subarray(0, this.length) : this.bytes.slice(0, this.length)
    if (this.length > mostKept) this.replace(new Uint8Array(leastBuffer))
    this.length = 0
    return taken
  }

  /** The bytes so far, as long as the buffer is left alone. */
  get written(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  clear(): void {
    this.length = 0
  }

  /** LOADJOB. `base` is the time that the times of the job are relative to, in ms since 1970. */
  loadJob(job: Job, base: number): void {
    const name = job.queue ?? ""
    const body = job.body ?? ""
    const size = 4 + headLength + 4 + name.length + 4 + body.length + 4 + job.holders.length * nodeIdLength
    if (size !== this.startSize) {
      this.start = `*2\r\n$7\r\nLOADJOB\r\n$${size}\r\n`
      this.startSize = size
    }
    this.text(this.start, size + 2)
    this.uint32(size - 4)
    this.text(job.id)
    const { bytes } = this
    bytes[this.length++] = job.state
    bytes[this.length++] = job.flags
    this.uint16(Math.min(job.replicate, 0xffff))
    this.uint32(base / 1000 + job.expiresAt)
    this.nanoseconds(base + job.createdAt, job.sequence)
    this.uint32(job.delay)
    this.uint32(job.retry)
    this.uint16(job.nacks)
    this.uint16(job.deliveries)
    this.counted(name)
    this.counted(body)
    this.uint32(job.holders.length)
    for (const id of job.holders) this.text(id)
    this.text("\r\n")
  }

  /** DELJOB. */
  delJob(id: string): void {
    this.text(`*2\r\n$6\r\nDELJOB\r\n$${id.length}\r\n`)
    this.text(id)
    this.text("\r\n")
  }

  private text(text: string, more = 0): void {
    this.reserve(text.length + more)
    writeText(text, this.bytes, this.length)
    this.length += text.length
  }

  private counted(argument: Argument): void {
    this.uint32(argument.length)
    if (typeof argument === "string") {
      this.text(argument)
    } else {
      this.bytes.set(argument, this.length)
      this.length += argument.length
    }
  }

  private uint16(value: number): void {
    this.view.setUint16(this.length, value, true)
    this.length += 2
  }

  private uint32(value: number): void {
    this.view.setUint32(this.length, value, true)
    this.length += 4
  }

  /** Milliseconds and a number among those of the millisecond, as nanoseconds in 64 bits. No number holds so many. */
  private nanoseconds(ms: number, sequence: number): void {
    const high = Math.floor(ms / 0x10_0000) * 1_000_000
    const low = (high % 4096) * 0x10_0000 + (ms % 0x10_0000) * 1_000_000 + sequence
    this.uint32(low % 0x1_0000_0000)
    this.uint32(Math.floor(high / 4096) + Math.floor(low / 0x1_0000_0000))
  }

  private reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    grown.set(this.bytes.subarray(0, this.length))
    this.replace(grown)
  }

  private replace(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
  }
}

/** A part of some bytes. */
export interface Part {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** A job as the file has it. Its times are those of day. Its parts share the memory of the file's bytes. */
export interface StoredJob {
  readonly id: string
  readonly state: number
  readonly flags: number
  readonly replicate: number
  /** In s since 1970. */
  readonly expiresAt: number
  /** In ms since 1970, and the number of the job among those of the millisecond. */
  readonly createdAt: number
  readonly sequence: number
  readonly delay: number
  readonly retry: number
  readonly nacks: number
  readonly deliveries: number
  readonly queue: Part
  readonly body: Part
  readonly holders: ReadonlyArray<Part>
}

export const readUint16 = (bytes: Uint8Array, at: number): number =>
  (bytes[at] as number) | ((bytes[at + 1] as number) << 8)

export const readUint32 = (bytes: Uint8Array, at: number): number =>
  (readUint16(bytes, at) | (readUint16(bytes, at + 2) << 16)) >>> 0

/** The part whose length is written at `at`; undefined if it does not end before `end`. */
const countedAt = (bytes: Uint8Array, at: number, end: number): Part | undefined => {
  if (at + 4 > end) return undefined
  const partEnd = at + 4 + readUint32(bytes, at)
  return partEnd > end ? undefined : { bytes, start: at + 4, end: partEnd }
}

/** Reads what LOADJOB has; a text says what is wrong with it. */
export const readJob = ({ bytes, end, start }: Part): StoredJob | string => {
  const length = end - start
  if (length < 4 + headLength + 12) return `a job of ${length} bytes is too short`
  const announced = readUint32(bytes, start)
  if (announced !== length - 4) return `a job of ${length - 4} bytes announces ${announced}`
  const head = start + 4 + idLength
  const queue = countedAt(bytes, start + 4 + headLength, end)
  const body = queue && countedAt(bytes, queue.end, end)
  if (queue === undefined || body === undefined || body.end + 4 > end) return "a job has a part that is too long"
  const count = readUint32(bytes, body.end)
  if (body.end + 4 + count * nodeIdLength !== end) return "a job has a list of nodes that does not end with it"
  const holders: Array<Part> = []
  for (let at = body.end + 4; at < end; at += nodeIdLength) holders.push({ bytes, start: at, end: at + nodeIdLength })
  const high = readUint32(bytes, head + 12)
  // The nanoseconds are high * 2^32 + low, and 2^32 is 4294 * 1,000,000 + 967,296.
  const rest = high * 967_296 + readUint32(bytes, head + 8)
  return {
    id: fromBytes(bytes, start + 4, head),
    state: (bytes[head] as number) & 15,
    flags: bytes[head + 1] as number,
    replicate: readUint16(bytes, head + 2),
    expiresAt: readUint32(bytes, head + 4),
    createdAt: high * 4294 + Math.floor(rest / 1_000_000),
    sequence: rest % 1_000_000,
    delay: readUint32(bytes, head + 16),
    retry: readUint32(bytes, head + 20),
    nacks: readUint16(bytes, head + 24),
    deliveries: readUint16(bytes, head + 26),
    queue,
    body,
    holders
  }
}
