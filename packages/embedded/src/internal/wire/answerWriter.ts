/** Answers as a server writes them: RESP2. */
import { Fifo } from "@disco/core/internal"
import { type Answer, Failure, nullArray, nullBulk, Status } from "./answers.js"
import { writeText } from "./bytes.js"

const empty = new Uint8Array(0)

const leastBuffer = 4096
const mostBuffer = 1024 * 1024

/** Bytes of this length or more are sent without a copy: many answers may share one body. */
const longBulk = 256 * 1024

/** Collects the bytes of answers in pieces, until they are taken. */
export class AnswerWriter {
  private pieces = new Fifo<Uint8Array>()
  private buffer = new Uint8Array(leastBuffer)
  /** How many bytes of the buffer are written. */
  private end = 0
  /** How many bytes wait to be taken. */
  length = 0

  /** How many bytes are in the buffer that is being filled. */
  get unfinished(): number {
    return this.end
  }

  /** How many pieces are complete. */
  get complete(): number {
    return this.pieces.size
  }

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

  /** Takes the first piece; an empty array if nothing has been written. */
  take(): Uint8Array {
    if (this.pieces.size === 0) this.cut(leastBuffer)
    const piece = this.pieces.shift() ?? empty
    this.length -= piece.length
    return piece
  }

  /** Drops all that has not been taken. */
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

  /** Ends the piece in the buffer, and begins a new buffer. */
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
    writeText(text, this.buffer, this.end)
    this.end += text.length
    this.length += text.length
  }
}
