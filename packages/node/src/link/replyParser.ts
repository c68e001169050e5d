/** Reads replies, which are RESP, from the bytes of a socket, wherever they are cut. */
import { constants } from "node:buffer"
import { Reply } from "@disco/core"
import { JobParser, valuesOfJob } from "./jobParser.js"

/** An array of which items are still missing. */
interface Unfinished {
  readonly items: Array<Reply.Reply>
  /** How many items the peer has announced. No memory is taken for them before they arrive. */
  readonly length: number
  readonly depth: number
  /** The array of which this one is an item. */
  readonly parent: Unfinished | undefined
}

/** The node sent bytes that are not RESP, so that nobody knows where the next reply begins. */
export class Malformed extends Error {
  override readonly name = "Malformed"
}

const dollar = 0x24
const asterisk = 0x2a
const plus = 0x2b
const minus = 0x2d
const zero = 0x30
const nine = 0x39
const colon = 0x3a
const carriageReturn = 0x0d
const lineFeed = 0x0a

// Replies of Disque nest a few arrays. A reader of deeper ones would run out of stack.
const mostDepth = 32
// The most digits of 64 bits.
const mostDigits = 20

// The longest body.
const mostBulk = 512 * 1024 * 1024
// A short value takes a few bytes on the wire and a hundred in memory. A page of a scan has a few million values at most.
const mostValues = 8 * 1024 * 1024

// An array has begun, and its items follow.
const opened = Symbol("opened")

const nothing = Buffer.alloc(0)

export class ReplyParser {
  private readonly onReply: (reply: Reply.Reply) => void
  private readonly areJobsDue: () => boolean
  private readonly jobs = new JobParser()
  /** Whether the items of the reply are jobs. */
  private hasJobs = false
  private bytes: Buffer = nothing
  private at = 0
  // Read once for each chunk, because each bulk needs them.
  private memory: ArrayBufferLike = nothing.buffer
  private offset = 0
  private unfinished: Unfinished | undefined = undefined
  /** How many values the reply has so far. */
  private values = 0
  // The pieces of a value that is cut. They are joined once, when the rest has arrived.
  private cut: Array<Buffer> = []
  private cutSize = 0
  /** The length of the value that is cut; 0 if it is not known yet. */
  private wanted = 0

  /** `areJobsDue` says whether the next reply is one to GETJOB, with the counters of jobs: its names and ids are given as text. */
  constructor(onReply: (reply: Reply.Reply) => void, areJobsDue: () => boolean) {
    this.onReply = onReply
    this.areJobsDue = areJobsDue
  }

  /** Reads bytes, and passes on the replies that they complete. Throws `Malformed` if the bytes are not RESP. */
  add(bytes: Buffer): void {
    let start = 0
    while (this.cutSize > 0) {
      const missing = this.missing(bytes, start)
      this.keep(bytes.subarray(start, start + missing))
      if (start + missing > bytes.length) return
      start += missing
      const joined = Buffer.concat(this.cut, this.cutSize)
      this.cut = []
      this.cutSize = 0
      this.read(joined, 0)
    }
    this.read(bytes, start)
  }

  /** How many bytes from `start` on belong to the value that is cut, or to its first line. */
  private missing(bytes: Buffer, start: number): number {
    if (this.wanted > 0) return this.wanted - this.cutSize
    const end = bytes.indexOf(lineFeed, start)
    return (end < 0 ? bytes.length + 1 : end + 1) - start
  }

  private read(bytes: Buffer, start: number): void {
    this.bytes = bytes
    this.memory = bytes.buffer
    this.offset = bytes.byteOffset
    this.at = start
    while (this.at < bytes.length) {
      const from = this.at
      this.wanted = 0
      const value = (this.hasJobs ? this.job() : undefined) ?? this.value()
      if (value === undefined) {
        this.keep(bytes.subarray(from))
        break
      }
      if (value !== opened) this.complete(value)
    }
    this.bytes = nothing
    this.memory = nothing.buffer
    this.jobs.letGo()
  }

  private keep(bytes: Buffer): void {
    this.cut.push(bytes)
    this.cutSize += bytes.length
    if (this.wanted === 0 && this.cutSize > constants.MAX_STRING_LENGTH) throw new Malformed("A line has no end.")
  }

  /** Adds a value to the array that is being read, or passes it on as a reply. */
  private complete(value: Reply.Reply): void {
    let complete = value
    for (let array = this.unfinished; array !== undefined; array = this.unfinished) {
      array.items.push(complete)
      this.values += 1
      if (this.values > mostValues) throw new Malformed(`A reply cannot have more than ${mostValues} values.`)
      if (array.items.length < array.length) return
      this.unfinished = array.parent
      complete = array.items
    }
    this.values = 0
    this.hasJobs = false
    this.onReply(complete)
  }

  /** The next job, if the job parser can read it. */
  private job(): Reply.Reply | undefined {
    if (this.unfinished?.depth !== 1) return undefined
    const job = this.jobs.read(this.bytes, this.at)
    if (job === undefined) return undefined
    this.at = this.jobs.end
    this.values += valuesOfJob
    return job
  }

  /** The next value; `undefined` if it is cut. */
  private value(): Reply.Reply | typeof opened | undefined {
    switch (this.bytes[this.at++]) {
      case dollar:
        return this.bulk()
      case plus:
        return this.line()
      case colon:
        return this.integer()
      case asterisk:
        return this.array()
      case minus: {
        const text = this.line()
        return text === undefined ? undefined : new Reply.ErrorReply({ text })
      }
      default:
        throw new Malformed(`A reply cannot begin with the byte ${this.bytes[this.at - 1]}.`)
    }
  }

  private line(): string | undefined {
    const { at, bytes } = this
    const end = bytes.indexOf(carriageReturn, at)
    // Such a line would be searched again with each chunk.
    if (end < 0 && bytes.includes(lineFeed, at)) throw new Malformed("A line cannot end with a line feed alone.")
    if (end < 0 || end + 1 >= bytes.length) return undefined
    if (end - at > constants.MAX_STRING_LENGTH) throw new Malformed("A line is longer than a string can be.")
    this.at = end + 2
    return bytes.toString("utf8", at, end)
  }

  private integer(): number | bigint | undefined {
    const start = this.at
    const number = this.number()
    if (number === undefined || Number.isSafeInteger(number)) return number
    return BigInt(this.bytes.toString("latin1", start, this.at - 2))
  }

  private array(): Reply.Reply | typeof opened | undefined {
    const length = this.number()
    if (length === undefined) return undefined
    if (length < 0) return null
    if (length === 0) return []
    const depth = (this.unfinished?.depth ?? 0) + 1
    if (depth > mostDepth) throw new Malformed(`A reply cannot have arrays in arrays ${depth} deep.`)
    if (depth === 1) this.hasJobs = this.areJobsDue()
    this.unfinished = { items: [], length, depth, parent: this.unfinished }
    return opened
  }

  private bulk(): Uint8Array | null | undefined {
    const start = this.at - 1
    const length = this.number()
    if (length === undefined) return undefined
    if (length < 0) return null
    if (length > mostBulk) throw new Malformed(`A bulk cannot have ${length} bytes.`)
    const { at, bytes } = this
    const end = at + length
    if (end + 2 > bytes.length) {
      this.wanted = end + 2 - start
      return undefined
    }
    this.at = end + 2
    return new Uint8Array(this.memory, this.offset + at, length)
  }

  /** The number up to the end of the line. It is exact if it is a safe integer. */
  private number(): number | undefined {
    const { bytes } = this
    let { at } = this
    const isNegative = bytes[at] === minus
    if (isNegative) at += 1
    const first = at
    let number = 0
    for (; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (byte === carriageReturn) {
        if (at + 1 === bytes.length) return undefined
        if (at === first) break
        this.at = at + 2
        return isNegative ? -number : number
      }
      if (byte < zero || byte > nine) break
      if (at - first >= mostDigits) throw new Malformed(`A number cannot have more than ${mostDigits} digits.`)
      number = number * 10 + (byte - zero)
    }
    if (at === bytes.length) return undefined
    throw new Malformed(`A number cannot have the byte ${bytes[at]}.`)
  }
}
