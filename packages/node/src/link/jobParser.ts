/** Reads the jobs in replies to GETJOB: those that have arrived as a whole, in the form in which Disque writes them. */
import { Reply } from "@disco/core"

const zero = 0x30
const nine = 0x39
const dollar = 0x24
const carriageReturn = 0x0d
const lineFeed = 0x0a
// The bits of four bytes that ASCII leaves empty.
const beyondAscii = 0x80808080

const idLength = 40
// A number of more digits is left to the general parser.
const mostDigits = 9

// A small array has its bytes in itself.
const smallBody = 64
// A body that is kept holds this many times its own size at most, or a few hundred bytes.
const mostHeld = 128
const copySize = 8192

/** How many values a job is made of. */
export const valuesOfJob = 7

/** ASCII text of four bytes or more, to be compared four bytes at a time. */
class Literal {
  readonly length: number
  private readonly words: ReadonlyArray<number>

  constructor(text: string) {
    const bytes = Buffer.from(text)
    this.length = bytes.length
    this.words = Array.from({ length: Math.ceil(bytes.length / 4) }, (_, i) => bytes.readUInt32BE(this.place(i)))
  }

  // The last four bytes may overlap those before.
  private place(word: number): number {
    return Math.min(4 * word, this.length - 4)
  }

  isAt(view: DataView, at: number): boolean {
    if (at + this.length > view.byteLength) return false
    const { words } = this
    for (let i = 0; i < words.length; i++) if (view.getUint32(at + this.place(i)) !== words[i]) return false
    return true
  }
}

const beforeQueue = new Literal("*7\r\n$")
const beforeId = new Literal(`\r\n$${idLength}\r\n`)
const beforeNacks = new Literal("\r\n$5\r\nnacks\r\n:")
const beforeDeliveries = new Literal("$21\r\nadditional-deliveries\r\n:")

const nothing = Buffer.alloc(0)
const noView = new DataView(nothing.buffer, 0, 0)

/**
 * Names, ids and labels are made text at once, where the general parser makes an array of bytes for each of them. What is cut or differs
 * in any way is left to the general parser.
 */
export class JobParser {
  /** Where the last job ended. */
  end = 0
  private bytes: Buffer = nothing
  private view: DataView = noView
  // Read once for the bytes, because each body needs them.
  private memory: ArrayBufferLike = nothing.buffer
  private offset = 0
  private held = 0
  private at = 0
  // Most jobs come from the same queue as the job before.
  private queue = ""
  private queueBytes: Uint8Array = nothing
  /** A copy of a part of the bytes, and which part that is. */
  private copy: ArrayBufferLike = nothing.buffer
  private copiedFrom = 0
  private copiedTo = 0

  /** Lets go of the bytes. */
  letGo(): void {
    this.bytes = nothing
    this.view = noView
    this.memory = nothing.buffer
    this.copy = nothing.buffer
    this.copiedTo = 0
  }

  /** The job that begins at `start`; undefined if it is left to the general parser. */
  read(bytes: Buffer, start: number): Reply.Reply | undefined {
    if (bytes !== this.bytes) {
      this.bytes = bytes
      this.memory = bytes.buffer
      this.offset = bytes.byteOffset
      this.held = this.memory.byteLength
      this.view = new DataView(this.memory, this.offset, bytes.length)
    }
    this.at = start
    if (!this.skip(beforeQueue)) return undefined
    const queueLength = this.number()
    const queueAt = this.at
    this.at += queueLength
    if (queueLength < 0 || !this.skip(beforeId)) return undefined
    const idAt = this.at
    this.at += idLength
    if (!this.beginsBody()) return undefined
    const bodyLength = this.number()
    const bodyAt = this.at
    this.at += bodyLength
    if (bodyLength < 0 || !this.skip(beforeNacks)) return undefined
    const nacks = this.number()
    if (nacks < 0 || !this.skip(beforeDeliveries)) return undefined
    const deliveries = this.number()
    if (deliveries < 0) return undefined
    this.end = this.at
    const queue = this.isSameQueue(queueAt, queueLength) ? this.queue : this.readQueue(queueAt, queueLength)
    const id = this.readId(idAt)
    const body = this.readBody(bodyAt, bodyLength)
    return [queue, id, body, "nacks", nacks, "additional-deliveries", deliveries]
  }

  private skip(literal: Literal): boolean {
    if (!literal.isAt(this.view, this.at)) return false
    this.at += literal.length
    return true
  }

  private beginsBody(): boolean {
    const { at, bytes } = this
    if (bytes[at] !== carriageReturn || bytes[at + 1] !== lineFeed || bytes[at + 2] !== dollar) return false
    this.at = at + 3
    return true
  }

  /** The number up to the end of the line, which is passed; −1 if it is left to the general parser. */
  private number(): number {
    const { bytes } = this
    const first = this.at
    const last = Math.min(bytes.length - 2, first + mostDigits)
    let number = 0
    for (let at = first; at <= last; at++) {
      const byte = bytes[at] as number
      if (byte < zero || byte > nine) {
        if (at === first || byte !== carriageReturn || bytes[at + 1] !== lineFeed) return -1
        this.at = at + 2
        return number
      }
      number = number * 10 + (byte - zero)
    }
    return -1
  }

  private isSameQueue(at: number, length: number): boolean {
    const { bytes, queueBytes } = this
    if (length !== queueBytes.length) return false
    for (let i = 0; i < length; i++) if (bytes[at + i] !== queueBytes[i]) return false
    return true
  }

  private readQueue(at: number, length: number): string {
    this.queueBytes = Buffer.from(this.bytes.subarray(at, at + length))
    this.queue = Reply.text(this.queueBytes)
    return this.queue
  }

  private readId(at: number): string {
    const { view } = this
    let all = 0
    for (let i = at; i < at + idLength; i += 4) all |= view.getUint32(i)
    return this.bytes.toString((all & beyondAscii) === 0 ? "latin1" : "utf8", at, at + idLength)
  }

  // A view of the bytes costs least. But it holds all that was read from the socket with them, 64 kB, for as long as the body is kept.
  // So small bodies are copied, each by itself. Others are copied together with those that follow, because to allocate an array for each
  // would cost more than all the rest.
  private readBody(at: number, length: number): Uint8Array {
    const view = () => new Uint8Array(this.memory, this.offset + at, length)
    if (length <= smallBody) return new Uint8Array(view())
    if (this.held <= length * mostHeld) return view()
    if (at + length > this.copiedTo) {
      this.copy = new Uint8Array(this.bytes.subarray(at, at + copySize)).buffer
      this.copiedFrom = at
      this.copiedTo = at + this.copy.byteLength
    }
    return new Uint8Array(this.copy, at - this.copiedFrom, length)
  }
}
