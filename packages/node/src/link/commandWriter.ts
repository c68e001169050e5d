/**
 * Writes commands as RESP. The commands of one tick go out in one write, because a system call costs more than all the rest. Many
 * commands go out in portions, so that the node can work on the first of them meanwhile.
 */
import type { Arguments } from "@disco/core"

// The number of commands in the first portion of a tick. Each further portion has twice as many.
const firstPortion = 32
// A link that waits for jobs writes little. A link for commands writes much.
const leastSlab = 1024
const mostSlab = 65_536
// Larger bytes are not copied: a copy would cost more than one more part.
const copiedSize = 8192
// The most bytes of a header: its sign, the digits of a length, and the line ends before and behind the content.
const headerSize = 24

// Up to this length, a loop over the characters is faster than a call of Buffer.
const shortText = 64

const dollar = 0x24
const asterisk = 0x2a
const zero = 0x30
const carriageReturn = 0x0d
const lineFeed = 0x0a

export class CommandWriter {
  private readonly write: (parts: ReadonlyArray<Uint8Array>) => void
  private parts: Array<Uint8Array> = []
  private slab = Buffer.alloc(0)
  // The socket may not have sent the bytes yet, so that each part of a slab is filled once.
  private start = 0
  private end = 0
  private commands = 0
  private portion = firstPortion
  private isDue = false

  constructor(write: (parts: ReadonlyArray<Uint8Array>) => void) {
    this.write = write
  }

  /** Writes a command together with the others of this tick. */
  add(command: Arguments): void {
    let most = headerSize
    for (const argument of command) {
      const isShort = typeof argument === "string" && argument.length <= shortText
      const size = isShort || typeof argument !== "string" ? argument.length : 3 * argument.length
      most += headerSize + Math.min(size, copiedSize)
    }
    if (this.slab.length - this.end < most) this.renew(most)
    this.header(asterisk, command.length)
    for (const argument of command) {
      if (typeof argument === "string") this.text(argument)
      else this.bytes(argument)
    }
    this.commands += 1
    if (this.commands === this.portion) {
      this.portion *= 2
      this.flush()
    }
    if (this.isDue) return
    this.isDue = true
    process.nextTick(this.flushRest)
  }

  private renew(least: number): void {
    this.cut()
    const size = Math.min(mostSlab, Math.max(leastSlab, 4 * this.slab.length))
    this.slab = Buffer.allocUnsafeSlow(Math.max(size, least))
    this.start = 0
    this.end = 0
  }

  private header(sign: number, value: number): void {
    const { slab } = this
    let at = this.end
    slab[at++] = sign
    let digits = 1
    for (let rest = value; rest > 9; rest = Math.floor(rest / 10)) digits += 1
    for (let i = at + digits - 1, rest = value; i >= at; i--) {
      slab[i] = zero + (rest % 10)
      rest = Math.floor(rest / 10)
    }
    at += digits
    slab[at++] = carriageReturn
    slab[at++] = lineFeed
    this.end = at
  }

  private text(text: string): void {
    const { end, slab } = this
    if (text.length > shortText) {
      this.longText(text)
      return
    }
    this.header(dollar, text.length)
    let at = this.end
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) {
        // There are more bytes than characters: the header was wrong, and the slab is too small.
        this.end = end
        this.header(dollar, Buffer.byteLength(text))
        this.cut()
        this.parts.push(Buffer.from(text))
        this.line()
        return
      }
      slab[at++] = code
    }
    this.end = at
    this.line()
  }

  private longText(text: string): void {
    const size = Buffer.byteLength(text)
    if (size > copiedSize) {
      this.bytes(Buffer.from(text))
      return
    }
    this.header(dollar, size)
    this.end += this.slab.write(text, this.end)
    this.line()
  }

  private bytes(bytes: Uint8Array): void {
    this.header(dollar, bytes.length)
    if (bytes.length > copiedSize) {
      this.cut()
      this.parts.push(bytes)
    } else {
      this.slab.set(bytes, this.end)
      this.end += bytes.length
    }
    this.line()
  }

  private line(): void {
    this.slab[this.end++] = carriageReturn
    this.slab[this.end++] = lineFeed
  }

  /** Ends a part with the bytes of the slab so far. */
  private cut(): void {
    if (this.end === this.start) return
    this.parts.push(this.slab.subarray(this.start, this.end))
    this.start = this.end
  }

  private readonly flushRest = (): void => {
    this.isDue = false
    this.portion = firstPortion
    this.flush()
  }

  private flush(): void {
    this.cut()
    const { parts } = this
    this.commands = 0
    if (parts.length === 0) return
    this.parts = []
    this.write(parts)
  }
}
