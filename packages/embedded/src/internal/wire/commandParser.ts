/** Commands as a server reads them: RESP2, and the command lines that people type. */

import { Fifo } from "@disco/core/internal"
import { err, Failure } from "./answers.js"
import { type Argument, fromBytes } from "./bytes.js"
import { Gathered } from "./gathered.js"
import { splitInline } from "./inline.js"

const cr = 0x0d
const lf = 0x0a
const star = 0x2a
const dollar = 0x24

const maxArguments = 1024 * 1024
const maxBulk = 512 * 1024 * 1024
const maxLine = 64 * 1024

/** How many bytes the server reads at once. It checks the length of an unfinished line after each read. */
const readLength = 16 * 1024

const protocolError = (text: string): Failure => err(`Protocol error: ${text}`)
const tooBigInline = protocolError("too big inline request")
const tooBigCount = protocolError("too big mbulk count string")
const tooBigLength = protocolError("too big bulk count string")
const badCount = protocolError("invalid multibulk length")
const badLength = protocolError("invalid bulk length")
const badQuotes = protocolError("unbalanced quotes in request")

/** A length as the protocol writes it: a minus is the only sign, and there are no leading zeros. */
const parseLength = (digits: string): number | undefined =>
  /^(0|-?[1-9]\d{0,18})$/.test(digits) ? Number(digits) : undefined

/** Where the parser is in a command. */
type Stage = "start" | "inline" | "count" | "count read" | "length" | "length read" | "body" | "body read"

const empty = new Uint8Array(0)

/** Up to this length an argument is kept as a byte string: smaller than a view of bytes, and it keeps no chunk alive. */
const shortArgument = 512

/** Waiting chunks that are shorter are joined: a chunk of one byte takes the memory of hundreds. */
const shortChunk = 2048

/** Reads commands from chunks of bytes, one for each call of `next`. The work grows with the bytes, however they are cut. */
export class CommandParser {
  private readonly chunks = new Fifo<Uint8Array>()
  /** Where the unread part of the first chunk begins. */
  private position = 0
  private unread = 0
  private stage: Stage = "start"
  private skipped = 0
  private line: Uint8Array = empty
  /** The part of a line or a body that has arrived. */
  private readonly gathered = new Gathered()
  /** Short chunks, joined. */
  private tail = empty
  private tailLength = 0
  /** Whether the line has a NUL: the server finds no end of such a line. */
  private isStuck = false
  private bulkLength = 0
  private missing = 0
  private command: Array<Argument> = []
  private commandLength = 0

  /** The number of bytes kept: unread bytes, and those of the unfinished command. */
  get size(): number {
    return this.unread + this.gathered.length + this.commandLength
  }

  feed(chunk: Uint8Array): void {
    this.unread += chunk.length
    // If nothing else waits, the chunk is read at once.
    if (chunk.length < shortChunk && this.unread > chunk.length) {
      if (this.tailLength + chunk.length > this.tail.length) {
        this.flushTail()
        this.tail = new Uint8Array(readLength)
      }
      this.tail.set(chunk, this.tailLength)
      this.tailLength += chunk.length
      return
    }
    this.flushTail()
    for (let at = 0; at < chunk.length; at += readLength) this.chunks.push(chunk.subarray(at, at + readLength))
  }

  private flushTail(): void {
    if (this.tailLength > 0) this.chunks.push(this.tail.subarray(0, this.tailLength))
    this.tail = empty
    this.tailLength = 0
  }

  /** The next command; `undefined` until more bytes arrive; a failure if nothing more can be read. */
  next(): ReadonlyArray<Argument> | undefined | Failure {
    this.flushTail()
    while (true) {
      if (!this.skip()) return undefined
      const step = this.step()
      if (step === "more") return undefined
      if (step === "command") {
        const command = this.command
        this.command = []
        this.commandLength = 0
        return command
      }
      if (step instanceof Failure) return step
    }
  }

  private step(): "on" | "more" | "command" | Failure {
    switch (this.stage) {
      case "start": {
        const first = this.chunks.peek()?.[this.position]
        if (first === undefined) return "more"
        this.stage = first === star ? "count" : "inline"
        return "on"
      }
      case "inline":
        return this.readInline()
      case "count":
        return this.readHeader(tooBigCount, "count read")
      case "count read":
        return this.readCount()
      case "length":
        return this.readHeader(tooBigLength, "length read")
      case "length read":
        return this.readLength()
      case "body":
        return this.readBody()
      case "body read":
        this.missing--
        this.stage = this.missing > 0 ? "length" : "start"
        return this.missing > 0 ? "on" : "command"
    }
  }

  private readInline(): "on" | "more" | "command" | Failure {
    if (!this.readLine(lf)) return this.gathered.length > maxLine ? tooBigInline : "more"
    this.stage = "start"
    const isTerminated = this.line[this.line.length - 1] === cr
    // The server skips two bytes at the end of a line, even if the line ends with one.
    if (!isTerminated && this.unread > 0) this.skipped = 1
    const words = splitInline(fromBytes(isTerminated ? this.line.subarray(0, -1) : this.line))
    if (words === undefined) return badQuotes
    this.command = words
    return words.length === 0 ? "on" : "command"
  }

  private readHeader(tooBig: Failure, after: Stage): "on" | "more" | Failure {
    if (!this.readLine(cr)) return this.gathered.length > maxLine ? tooBig : "more"
    this.skipped = 1
    this.stage = after
    return "on"
  }

  private readCount(): "on" | Failure {
    const count = parseLength(fromBytes(this.line.subarray(1)))
    if (count === undefined || count > maxArguments) return badCount
    this.missing = count
    this.stage = count > 0 ? "length" : "start"
    return "on"
  }

  private readLength(): "on" | Failure {
    const first = this.line[0] ?? cr
    if (first !== dollar) return protocolError(`expected '$', got '${String.fromCharCode(first)}'`)
    const length = parseLength(fromBytes(this.line.subarray(1)))
    if (length === undefined || length < 0 || length > maxBulk) return badLength
    this.bulkLength = length
    this.stage = "body"
    return "on"
  }

  private readBody(): "on" | "more" {
    const length = this.bulkLength
    const first = this.chunks.peek() ?? empty
    if (this.gathered.length === 0 && first.length - this.position >= length) {
      this.push(first.subarray(this.position, this.position + length))
      if (length > 0) this.consume(first, length)
    } else {
      for (let chunk = this.chunks.peek(); chunk !== undefined; chunk = this.chunks.peek()) {
        const piece = chunk.subarray(this.position, this.position + length - this.gathered.length)
        this.gathered.add(piece, length)
        this.consume(chunk, piece.length)
        if (this.gathered.length === length) break
      }
      if (this.gathered.length < length) return "more"
      this.push(this.gathered.take())
    }
    // The two bytes behind the body are skipped unread.
    this.skipped = 2
    this.stage = "body read"
    return "on"
  }

  private push(argument: Uint8Array): void {
    this.command.push(argument.length <= shortArgument ? fromBytes(argument) : argument)
    this.commandLength += argument.length
  }

  /** Skips bytes without a meaning; false until they have arrived. */
  private skip(): boolean {
    while (this.skipped > 0) {
      const chunk = this.chunks.peek()
      if (chunk === undefined) return false
      const count = Math.min(this.skipped, chunk.length - this.position)
      this.skipped -= count
      this.consume(chunk, count)
    }
    return true
  }

  private consume(chunk: Uint8Array, count: number): void {
    this.position += count
    this.unread -= count
    if (this.position === chunk.length) {
      this.chunks.shift()
      this.position = 0
    }
  }

  /** Reads a line and the `end` behind it; false until the end has arrived, with the bytes so far kept in pieces. */
  private readLine(end: number): boolean {
    for (let chunk = this.chunks.peek(); chunk !== undefined; chunk = this.chunks.peek()) {
      let at = this.isStuck ? -1 : chunk.indexOf(end, this.position)
      this.isStuck ||= chunk.subarray(this.position, at < 0 ? chunk.length : at).includes(0)
      // The bytes behind such an end count too.
      if (this.isStuck) at = -1
      const piece = chunk.subarray(this.position, at < 0 ? chunk.length : at)
      const isFound = at >= 0
      this.consume(chunk, isFound ? piece.length + 1 : piece.length)
      if (isFound && this.gathered.length === 0) {
        this.line = piece
        return true
      }
      this.gathered.add(piece, 2 * maxLine)
      if (isFound) {
        this.line = this.gathered.take()
        return true
      }
      if (this.gathered.length > maxLine) return false
    }
    return false
  }
}
