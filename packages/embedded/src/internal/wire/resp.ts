/** RESP2 as a server reads and writes it. */

import { Fifo } from "@disco/core"
import { type Answer, err, Failure, nullArray, nullBulk, Status } from "./answers.js"
import { type Argument, fromBytes } from "./bytes.js"
import { splitInline } from "./inline.js"

const cr = 0x0d
const lf = 0x0a
const star = 0x2a
const dollar = 0x24

const maxArguments = 1024 * 1024
const maxBulk = 512 * 1024 * 1024
const maxLine = 64 * 1024

/** How much the server reads at once: after so many bytes it looks at how long a line has become. */
const readLength = 16 * 1024

const protocolError = (text: string): Failure => err(`Protocol error: ${text}`)
const tooBigInline = protocolError("too big inline request")
const tooBigCount = protocolError("too big mbulk count string")
const tooBigLength = protocolError("too big bulk count string")
const badCount = protocolError("invalid multibulk length")
const badLength = protocolError("invalid bulk length")
const badQuotes = protocolError("unbalanced quotes in request")

/** A length as the protocol writes it: no sign but a minus, no leading zeros. */
const parseLength = (digits: string): number | undefined =>
  /^(0|-?[1-9]\d{0,18})$/.test(digits) ? Number(digits) : undefined

/** Where the parser is in a command. */
type Stage = "start" | "inline" | "count" | "count read" | "length" | "length read" | "body" | "body read"

const empty = new Uint8Array(0)

/** Up to this length an argument is kept as a byte string, which takes less than a view and holds on to no chunk. */
const shortArgument = 512

/** Chunks that wait to be read are put together where they are shorter than this: one of a byte takes the room of hundreds. */
const shortChunk = 2048

/** Bytes that come in pieces: room is made for those that have come, however many were announced. */
class Gathered {
  private bytes = empty
  length = 0

  /** `most` is how many there will be in all. */
  add(piece: Uint8Array, most: number): void {
    const needed = this.length + piece.length
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, Math.min(most, 2 * this.bytes.length)))
      grown.set(this.bytes.subarray(0, this.length))
      this.bytes = grown
    }
    this.bytes.set(piece, this.length)
    this.length = needed
  }

  take(): Uint8Array {
    const bytes = this.bytes.subarray(0, this.length)
    this.bytes = empty
    this.length = 0
    return bytes
  }
}

/**
 * Reads commands out of chunks of bytes, as many as asked for. Its work grows with the bytes alone, however they are cut.
 */
export class CommandParser {
  private readonly chunks = new Fifo<Uint8Array>()
  /** Where the unread part of the first chunk begins. */
  private position = 0
  private unread = 0
  private stage: Stage = "start"
  private skipped = 0
  private line: Uint8Array = empty
  /** What has come of a line or a body. */
  private readonly gathered = new Gathered()
  /** Short chunks, put together. */
  private tail = empty
  private tailLength = 0
  /** The server finds no end of a line behind a NUL. */
  private isStuck = false
  private bulkLength = 0
  private missing = 0
  private command: Array<Argument> = []
  private commandLength = 0

  /** The bytes kept: those not read, and those of the command that is not complete. */
  get size(): number {
    return this.unread + this.gathered.length + this.commandLength
  }

  feed(chunk: Uint8Array): void {
    this.unread += chunk.length
    // Where nothing waits it is read at once.
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

  /** The next command; `undefined` until more bytes come; a failure after which nothing more can be read. */
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
    // The server takes two bytes for the end of a line, even where it is but one.
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
    // The two bytes behind it are not looked at.
    this.skipped = 2
    this.stage = "body read"
    return "on"
  }

  private push(argument: Uint8Array): void {
    this.command.push(argument.length <= shortArgument ? fromBytes(argument) : argument)
    this.commandLength += argument.length
  }

  /** Passes over bytes that say nothing; false until they are there. */
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

  /** Reads up to `end`, and past it; false until it is there, with what there is kept in pieces. */
  private readLine(end: number): boolean {
    for (let chunk = this.chunks.peek(); chunk !== undefined; chunk = this.chunks.peek()) {
      let at = this.isStuck ? -1 : chunk.indexOf(end, this.position)
      this.isStuck ||= chunk.subarray(this.position, at < 0 ? chunk.length : at).includes(0)
      // What follows an end that is not found counts too.
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

const leastBuffer = 4096
const mostBuffer = 1024 * 1024

/** From this length on bytes go out from where they are: many answers may have the same body. */
const longBulk = 256 * 1024

/** Answers as bytes, in pieces, until they are taken. */
export class AnswerWriter {
  private pieces = new Fifo<Uint8Array>()
  private buffer = new Uint8Array(leastBuffer)
  /** How much of the buffer is written. */
  private end = 0
  /** How many bytes wait to be taken. */
  length = 0

  write(answer: Answer): void {
    if (typeof answer === "string") {
      this.ascii(`$${answer.length}\r\n`)
      this.ascii(answer)
      this.ascii("\r\n")
    } else if (typeof answer === "number" || typeof answer === "bigint") {
      this.ascii(`:${answer}\r\n`)
    } else if (answer instanceof Status) {
      this.ascii(`+${answer.text}\r\n`)
    } else if (answer instanceof Failure) {
      this.ascii(`-${answer.text}\r\n`)
    } else if (answer === nullBulk) {
      this.ascii("$-1\r\n")
    } else if (answer === nullArray) {
      this.ascii("*-1\r\n")
    } else if (answer instanceof Uint8Array) {
      this.ascii(`$${answer.length}\r\n`)
      this.bytes(answer)
      this.ascii("\r\n")
    } else {
      this.ascii(`*${answer.length}\r\n`)
      for (const item of answer) this.write(item)
    }
  }

  /** Takes the first piece of what has been written; an empty one where that is nothing. */
  take(): Uint8Array {
    if (this.pieces.size === 0) this.cut(leastBuffer)
    const piece = this.pieces.shift() ?? empty
    this.length -= piece.length
    return piece
  }

  /** Drops what has not been taken. */
  clear(): void {
    this.pieces = new Fifo()
    this.buffer = empty
    this.end = 0
    this.length = 0
  }

  private bytes(bytes: Uint8Array): void {
    if (bytes.length < longBulk) {
      this.reserve(bytes.length)
      this.buffer.set(bytes, this.end)
      this.end += bytes.length
    } else {
      this.cut(leastBuffer)
      this.pieces.push(bytes)
    }
    this.length += bytes.length
  }

  /** Makes a piece of what the buffer holds, and a new buffer. */
  private cut(size: number): void {
    if (this.end > 0) this.pieces.push(this.buffer.subarray(0, this.end))
    if (this.end > 0 || size > this.buffer.length) this.buffer = new Uint8Array(size)
    this.end = 0
  }

  private reserve(count: number): void {
    const needed = this.end + count
    if (needed <= this.buffer.length) return
    if (needed > mostBuffer) {
      this.cut(Math.max(count, leastBuffer))
      return
    }
    const grown = new Uint8Array(Math.min(mostBuffer, Math.max(needed, this.buffer.length * 2)))
    grown.set(this.buffer.subarray(0, this.end))
    this.buffer = grown
  }

  private ascii(text: string): void {
    this.reserve(text.length)
    const { buffer, end } = this
    for (let i = 0; i < text.length; i++) buffer[end + i] = text.charCodeAt(i)
    this.end = end + text.length
    this.length += text.length
  }
}
