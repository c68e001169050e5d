/**
 * Commands on their way out: written as RESP, and those of a tick at once, because a system call costs more than the rest. Where
 * they are many they are written in portions, so that the node works on the first of them meanwhile.
 */
import type { Arguments } from "@disco/core"

// So many commands of a tick go out first, and twice as many each time after that: the node has more to do by then.
const firstPortion = 32
// A link that waits for jobs writes little, one for commands much.
const leastSlab = 1024
const mostSlab = 65_536
// What is larger goes out from where it is: a copy would cost more than one more part.
const copiedSize = 8192
// What a header takes at most: its sign, the digits of a length, and line ends before and behind the content.
const headerSize = 24

// Up to here characters are written one by one, which is faster than to call for help.
const shortText = 64

const dollar = 0x24
const asterisk = 0x2a
const zero = 0x30
const carriageReturn = 0x0d
const lineFeed = 0x0a

export class Outgoing {
  private readonly write: (parts: ReadonlyArray<Uint8Array>) => void
  private parts: Array<Uint8Array> = []
  private slab = Buffer.alloc(0)
  // What the socket was given stays as it is until it is sent, so that a slab is filled once.
  private start = 0
  private end = 0
  private commands = 0
  private portion = firstPortion
  private isDue = false

  constructor(write: (parts: ReadonlyArray<Uint8Array>) => void) {
    this.write = write
  }

  /** Writes a command with others of this tick. */
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
        // More bytes than characters: the header was wrong, and there is room for one byte a character.
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

  /** Makes a part of what the slab holds so far. */
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
