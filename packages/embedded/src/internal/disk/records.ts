/**
 * The records of an append-only file, exactly as Disque 1.0-rc1 writes them: `LOADJOB <job>` and `DELJOB <id>` as commands in RESP.
 */
import type { Job } from "../node/job.js"
import type { Argument } from "../wire/bytes.js"

/** The serialized fields of a job that have a fixed length, in bytes. */
export const headLength = 68

const idLength = 40

/** The length of the name of a node. */
export const nodeIdLength = 40

const leastBuffer = 4096

/** A buffer that has grown beyond this is not kept after it has been taken. */
const mostKept = 1024 * 1024

/** Collects records, until they are taken. */
export class RecordBuffer {
  private bytes = new Uint8Array(leastBuffer)
  private view = new DataView(this.bytes.buffer)
  /** How many bytes wait to be taken. */
  length = 0

  /** The bytes so far. They are the caller's: the buffer begins anew. */
  take(): Uint8Array {
    const taken = this.bytes.subarray(0, this.length)
    this.replace(new Uint8Array(Math.min(mostKept, this.bytes.length)))
    this.length = 0
    return taken
  }

  clear(): void {
    this.length = 0
  }

  /** LOADJOB. `base` is the time that the times of the job are relative to, in ms since 1970. */
  loadJob(job: Job, base: number): void {
    const name = job.queue ?? ""
    const body = job.body ?? ""
    const size = 4 + headLength + 4 + name.length + 4 + body.length + 4 + job.holders.length * nodeIdLength
    this.text(`*2\r\n$7\r\nLOADJOB\r\n$${size}\r\n`, size + 2)
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
    const { bytes, length } = this
    for (let i = 0; i < text.length; i++) bytes[length + i] = text.charCodeAt(i)
    this.length = length + text.length
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

/** A job as the file has it. Its times are those of day. */
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
  readonly queue: Uint8Array
  readonly body: Uint8Array
  readonly holders: ReadonlyArray<Uint8Array>
}

/** Reads what LOADJOB has; a text says what is wrong with it. The result shares the memory of `bytes`. */
export const readJob = (bytes: Uint8Array, text: (bytes: Uint8Array) => string): StoredJob | string => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < 4 + headLength + 12) return `a job of ${bytes.length} bytes is too short`
  const announced = view.getUint32(0, true)
  if (announced !== bytes.length - 4) return `a job of ${bytes.length - 4} bytes announces ${announced}`
  const head = 4 + idLength
  const low = view.getUint32(head + 8, true)
  const high = view.getUint32(head + 12, true)
  // The nanoseconds are high * 2^32 + low, and 2^32 is 4294 * 1,000,000 + 967,296.
  const rest = high * 967_296 + low
  let at = 4 + headLength
  const counted = (): Uint8Array | undefined => {
    if (at + 4 > bytes.length) return undefined
    const end = at + 4 + view.getUint32(at, true)
    if (end > bytes.length) return undefined
    const part = bytes.subarray(at + 4, end)
    at = end
    return part
  }
  const queue = counted()
  const body = queue && counted()
  if (queue === undefined || body === undefined || at + 4 > bytes.length) return "a job has a part that is too long"
  const count = view.getUint32(at, true)
  at += 4
  if (at + count * nodeIdLength !== bytes.length) return `a job has a list of nodes that does not end with it`
  const holders: Array<Uint8Array> = []
  for (; at < bytes.length; at += nodeIdLength) holders.push(bytes.subarray(at, at + nodeIdLength))
  return {
    id: text(bytes.subarray(4, head)),
    state: (bytes[head] as number) & 15,
    flags: bytes[head + 1] as number,
    replicate: view.getUint16(head + 2, true),
    expiresAt: view.getUint32(head + 4, true),
    createdAt: high * 4294 + Math.floor(rest / 1_000_000),
    sequence: rest % 1_000_000,
    delay: view.getUint32(head + 16, true),
    retry: view.getUint32(head + 20, true),
    nacks: view.getUint16(head + 24, true),
    deliveries: view.getUint16(head + 26, true),
    queue,
    body,
    holders
  }
}
