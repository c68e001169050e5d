/** RESP2 as a server reads and writes it. */

import { Fifo } from "@disco/core"
import { type Answer, err, Failure, nullArray, nullBulk, Status } from "./answer.js"
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
type Stage = "start" | "inline" | "count" | "count read" | "length" | "length read" | "body"

const empty = new Uint8Array(0)

const concat = (pieces: ReadonlyArray<Uint8Array>, length: number): Uint8Array => {
  const whole = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
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
  private pieces: Array<Uint8Array> = []
  private piecesLength = 0
  /** The server finds no end of a line behind a NUL. */
  private isStuck = false
  private bulkLength = 0
  private missing = 0
  private command: Array<Argument> = []
  private commandLength = 0

  /** The bytes kept: those not read, and those of the command that is not complete. */
  get size(): number {
    return this.unread + this.piecesLength + this.commandLength
  }

  feed(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at += readLength) this.chunks.push(chunk.subarray(at, at + readLength))
    this.unread += chunk.length
  }

  /** The next command; `undefined` until more bytes come; a failure after which nothing more can be read. */
  next(): ReadonlyArray<Argument> | undefined | Failure {
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
    }
  }

  private readInline(): "on" | "more" | "command" | Failure {
    if (!this.readLine(lf)) return this.piecesLength > maxLine ? tooBigInline : "more"
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
    if (!this.readLine(cr)) return this.piecesLength > maxLine ? tooBig : "more"
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

  private readBody(): "on" | "more" | "command" {
    // The two bytes behind it are not looked at.
    if (this.unread < this.bulkLength + 2) return "more"
    this.command.push(this.take(this.bulkLength))
    this.commandLength += this.bulkLength
    this.skipped = 2
    this.missing--
    this.stage = this.missing > 0 ? "length" : "start"
    return this.missing > 0 ? "on" : "command"
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
      const at = this.isStuck ? -1 : chunk.indexOf(end, this.position)
      const piece = chunk.subarray(this.position, at < 0 ? chunk.length : at)
      this.isStuck ||= piece.includes(0)
      const isFound = at >= 0 && !this.isStuck
      this.consume(chunk, isFound ? piece.length + 1 : chunk.length - this.position)
      if (isFound) {
        this.line = this.pieces.length === 0 ? piece : concat([...this.pieces, piece], this.piecesLength + piece.length)
        this.pieces = []
        this.piecesLength = 0
        return true
      }
      this.pieces.push(piece)
      this.piecesLength += piece.length
      if (this.piecesLength > maxLine) return false
    }
    return false
  }

  /** Takes bytes that are there. */
  private take(length: number): Uint8Array {
    const first = this.chunks.peek() ?? empty
    if (first.length - this.position >= length) {
      const bytes = first.subarray(this.position, this.position + length)
      if (length > 0) this.consume(first, length)
      return bytes
    }
    const pieces: Array<Uint8Array> = []
    for (let left = length; left > 0; ) {
      const chunk = this.chunks.peek() ?? empty
      const piece = chunk.subarray(this.position, this.position + left)
      pieces.push(piece)
      left -= piece.length
      this.consume(chunk, piece.length)
    }
    return concat(pieces, length)
  }
}

const leastBuffer = 4096

/** Answers as bytes, gathered until they are taken. */
export class AnswerWriter {
  private buffer = new Uint8Array(leastBuffer)
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
      this.reserve(answer.length)
      this.buffer.set(answer, this.length)
      this.length += answer.length
      this.ascii("\r\n")
    } else {
      this.ascii(`*${answer.length}\r\n`)
      for (const item of answer) this.write(item)
    }
  }

  /** Takes what has been written. */
  take(): Uint8Array {
    const bytes = this.buffer.subarray(0, this.length)
    this.buffer = new Uint8Array(leastBuffer)
    this.length = 0
    return bytes
  }

  private reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.buffer.length) return
    const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2))
    grown.set(this.buffer.subarray(0, this.length))
    this.buffer = grown
  }

  private ascii(text: string): void {
    this.reserve(text.length)
    const { buffer, length } = this
    for (let i = 0; i < text.length; i++) buffer[length + i] = text.charCodeAt(i)
    this.length = length + text.length
  }
}
