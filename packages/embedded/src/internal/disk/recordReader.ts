/** Reads the records of an append-only file from chunks of bytes. */
import { fromBytes, toBytes } from "../wire/bytes.js"
import { Gathered } from "../wire/gathered.js"
import { type Part, readUint32 } from "./records.js"

/** One command of the file. The argument shares the memory of the chunk. */
export interface Record {
  readonly name: string
  readonly argument: Part
}

/** What is wrong with a file, and where. */
export class Damage {
  readonly _tag = "Damage"
  /** Where the record that is wrong begins, in bytes. */
  readonly offset: number
  readonly reason: string
  constructor(offset: number, reason: string) {
    this.offset = offset
    this.reason = reason
  }
}

const jobName = "LOADJOB"
const deletionName = "DELJOB"

/** The most digits of the length of an argument that is as one is written. */
const mostDigits = 10

/** How the two commands begin, up to the length of their argument. */
const jobStart = toBytes(`*2\r\n$7\r\n${jobName}\r\n$`)
const deletionStart = toBytes(`*2\r\n$6\r\n${deletionName}\r\n$`)

/** Where the digit is in which they differ. */
const nameLengthAt = 5
const seven = 0x37

const empty = new Uint8Array(0)

const cr = 0x0d
const lf = 0x0a
const star = 0x2a
const dollar = 0x24
const zero = 0x30

/** So much of the name of a command is shown. */
const longestName = 16

/** The longest line with a count or a length, in bytes. */
const longestLine = 32

/** The longest argument: a job of the longest body, with what surrounds it, in bytes. */
const longestArgument = 2 ** 30

const shown = (bytes: Uint8Array): string => {
  const text = Array.from(bytes.subarray(0, 16), (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`
  )
  return `"${text.join("")}"`
}

const moreNeeded = Symbol("more needed")
type More = typeof moreNeeded

/** The work grows with the bytes, and memory is taken for the bytes that have arrived, however many were announced. */
export class RecordReader {
  private bytes: Uint8Array = empty
  private at = 0
  /** The beginning of a record that is not whole. */
  private readonly rest = new Gathered()
  /** How many bytes the record that is not whole has at least. */
  private needed = 0
  /** Where in the file `bytes` begins. */
  private start = 0
  /** The end of the last whole record, in bytes from the start of the file. */
  offset = 0

  feed(chunk: Uint8Array): void {
    if (this.rest.length === 0) {
      this.bytes = chunk
    } else {
      this.rest.add(chunk, Math.max(this.needed, this.rest.length + chunk.length))
      if (this.rest.length < this.needed) {
        this.bytes = empty
        return
      }
      this.bytes = this.rest.take()
    }
    this.start = this.offset
    this.at = 0
  }

  /** How many bytes of a record that is not whole have been read. */
  get unfinished(): number {
    return this.rest.length
  }

  /** The next record; `undefined` if more bytes are needed. */
  next(): Record | Damage | undefined {
    if (this.at >= this.bytes.length) return undefined
    const record = this.readUsual() ?? this.read()
    if (record !== moreNeeded) return record
    this.rest.add(this.bytes.subarray(this.offset - this.start), 0)
    this.bytes = empty
    this.at = 0
    return undefined
  }

  /** A whole record that begins as one is written; undefined for all else, which is read byte by byte. */
  private readUsual(): Record | undefined {
    const { bytes } = this
    const isJob = bytes[this.at + nameLengthAt] === seven
    const start = isJob ? jobStart : deletionStart
    let at = this.at
    for (let i = 0; i < start.length; i++) if (bytes[at++] !== start[i]) return undefined
    const digits = at
    let length = 0
    for (let byte = bytes[at]; byte !== cr; byte = bytes[++at]) {
      const digit = (byte ?? 0) - zero
      if (digit < 0 || digit > 9 || at - digits >= mostDigits) return undefined
      length = length * 10 + digit
    }
    const begin = at + 2
    const end = begin + length
    if (at === digits || bytes[at + 1] !== lf || length > longestArgument) return undefined
    if (bytes[end] !== cr || bytes[end + 1] !== lf) return undefined
    this.at = end + 2
    this.offset = this.start + this.at
    return { name: isJob ? jobName : deletionName, argument: { bytes, start: begin, end } }
  }

  private read(): Record | Damage | More {
    const count = this.line(star, "the count of arguments of a command")
    if (typeof count !== "number") return count
    if (count !== 2) return this.damage(`a command of ${count} arguments, where LOADJOB and DELJOB have 2`)
    const name = this.argument()
    if (name === moreNeeded || name instanceof Damage) return name
    const length = name.end - name.start
    const argument = this.argument(length === jobName.length)
    if (argument === moreNeeded || argument instanceof Damage) return argument
    this.offset = this.start + this.at
    return { name: fromBytes(name.bytes, name.start, name.start + Math.min(length, longestName)), argument }
  }

  private damage(reason: string): Damage {
    return new Damage(this.offset, reason)
  }

  private more(needed: number): More {
    this.needed = needed - (this.offset - this.start)
    return moreNeeded
  }

  /** A line of a sign and a number. */
  private line(sign: number, meaning: string): number | Damage | More {
    const { at, bytes } = this
    const first = bytes[at]
    if (first === undefined) return this.more(at + 1)
    if (first !== sign) {
      return this.damage(`${shown(bytes.subarray(at))} where ${meaning} begins with "${String.fromCharCode(sign)}"`)
    }
    let number = 0
    for (let i = at + 1; ; i++) {
      const byte = bytes[i]
      if (byte === undefined && i - at <= longestLine) return this.more(i + 1)
      if (byte === lf && bytes[i - 1] === cr && i > at + 2) {
        this.at = i + 1
        return number
      }
      if (byte === cr && bytes[i + 1] === undefined) return this.more(i + 2)
      if (byte === cr && bytes[i + 1] === lf && i > at + 1) continue
      const digit = (byte ?? 0) - zero
      if (digit < 0 || digit > 9 || i - at > longestLine) {
        return this.damage(`${shown(bytes.subarray(at))} is no line with ${meaning}`)
      }
      number = number * 10 + digit
    }
  }

  /** An argument that is not here yet is looked at if it is a job: a wrong length would take what follows for a part of it. */
  private argument(isJob = false): Part | Damage | More {
    const length = this.line(dollar, "the length of an argument")
    if (typeof length !== "number") return length
    if (length > longestArgument) return this.damage(`an argument of ${length} bytes`)
    const { at, bytes } = this
    const end = at + length
    if (bytes.length < end + 2) {
      const announced = isJob && bytes.length >= at + 4 ? readUint32(bytes, at) : length - 4
      if (announced === length - 4) return this.more(end + 2)
      return this.damage(`a job of ${length - 4} bytes announces ${announced}`)
    }
    if (bytes[end] !== cr || bytes[end + 1] !== lf) {
      return this.damage(`${shown(bytes.subarray(end))} where an argument of ${length} bytes ends with a line end`)
    }
    this.at = end + 2
    return { bytes, start: at, end }
  }
}
