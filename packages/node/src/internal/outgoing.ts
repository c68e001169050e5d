/** Commands on their way out: written as RESP, and all those of a tick at once, because a system call costs more than the rest. */
import type { Arguments } from "@disco/core"

type Part = string | Uint8Array

// Every character is one byte, so that text need not be encoded to be measured.
const isAscii = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

export class Outgoing {
  private readonly write: (bytes: Buffer | string, encoding?: "latin1") => void
  private parts: Array<Part> = []
  private text = ""
  private bytes = 0
  private isDue = false

  constructor(write: (bytes: Buffer | string, encoding?: "latin1") => void) {
    this.write = write
  }

  /** Writes a command with the others of this tick. */
  add(command: Arguments): void {
    let text = `${this.text}*${command.length}\r\n`
    for (const argument of command) {
      if (typeof argument === "string" && isAscii(argument)) {
        text += `$${argument.length}\r\n${argument}\r\n`
        continue
      }
      const bytes = typeof argument === "string" ? Buffer.from(argument) : argument
      text += `$${bytes.length}\r\n`
      this.parts.push(text, bytes)
      this.bytes += text.length + bytes.length
      text = "\r\n"
    }
    this.text = text
    if (this.isDue) return
    this.isDue = true
    process.nextTick(this.flush)
  }

  private readonly flush = (): void => {
    const { bytes, parts, text } = this
    this.parts = []
    this.text = ""
    this.bytes = 0
    this.isDue = false
    if (parts.length === 0) {
      this.write(text, "latin1")
      return
    }
    const all = Buffer.allocUnsafe(bytes + text.length)
    let at = 0
    for (const part of parts) {
      if (typeof part === "string") {
        all.write(part, at, "latin1")
      } else {
        all.set(part, at)
      }
      at += part.length
    }
    all.write(text, at, "latin1")
    this.write(all)
  }
}
