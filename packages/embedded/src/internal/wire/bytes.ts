/**
 * Byte strings: strings in which every character stands for one byte. Nodes keep short runs of bytes in this way, because a byte
 * string can be a key of a map and takes a fraction of the memory of a typed array.
 */

/**
 * An argument of a command: a byte string, or bytes.
 *
 * @since 0.1.0
 * @category models
 */
export type Argument = string | Uint8Array

const encoder = new TextEncoder()

/** What a `Buffer` of Node.js has, and other runtimes may have: for all but short byte strings many times faster than a loop. */
interface Latin1 {
  readonly latin1Slice?: (this: Uint8Array, start: number, end: number) => string
  readonly latin1Write?: (this: Uint8Array, text: string, at: number, length: number) => number
}

/** From this length on, `latin1Write` is faster than a loop. */
const longText = 48

/** The most bytes for one call of `String.fromCharCode`: its arguments are on the stack. */
const stride = 4096

/** How byte strings are read and written with what the runtime has. */
export const byteStrings = ({ latin1Slice, latin1Write }: Latin1) => {
  const fromBytes = (bytes: Uint8Array, start = 0, end = bytes.length): string => {
    if (latin1Slice !== undefined) return latin1Slice.call(bytes, start, end)
    if (end - start <= stride) return Reflect.apply(String.fromCharCode, null, bytes.subarray(start, end))
    let text = ""
    for (let at = start; at < end; at += stride) text += fromBytes(bytes, at, Math.min(end, at + stride))
    return text
  }
  const writeText = (text: string, bytes: Uint8Array, at: number): void => {
    if (latin1Write !== undefined && text.length >= longText) latin1Write.call(bytes, text, at, text.length)
    else for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i)
  }
  return { fromBytes, writeText }
}

const present = byteStrings(
  (globalThis as { readonly Buffer?: { readonly prototype: Latin1 } }).Buffer?.prototype ?? {}
)

/** The byte string of some bytes, or of those from `start` to `end`. */
export const fromBytes: (bytes: Uint8Array, start?: number, end?: number) => string = present.fromBytes

/** Writes a byte string to `bytes` from `at` on. */
export const writeText: (text: string, bytes: Uint8Array, at: number) => void = present.writeText

/** Up to this length a body is kept as a byte string, above as bytes. */
const shortBody = 512

const notAscii = /[^\0-\x7f]/

/** The bytes of a byte string. */
export const toBytes = (text: string): Uint8Array => {
  const bytes = new Uint8Array(text.length)
  writeText(text, bytes, 0)
  return bytes
}

/** The argument that stands for a text. On the wire, text is UTF-8. */
export const fromText = (text: string): Argument => (notAscii.test(text) ? encoder.encode(text) : text)

/** The length of the longest string: 24 less than that of the longest argument. */
const longestText = 2 ** 29 - 24

/** The first `length` bytes of an argument as a byte string. */
export const headOf = (argument: Argument, length: number): string =>
  typeof argument === "string" ? argument.slice(0, length) : fromBytes(argument, 0, Math.min(length, argument.length))

/** An argument as a byte string. Only the very longest arguments lose their last bytes. */
export const asText = (argument: Argument): string =>
  typeof argument === "string" ? argument : headOf(argument, longestText)

/** A byte string up to its first NUL, where a string of C ends. */
export const cString = (text: string): string => {
  const end = text.indexOf("\0")
  return end < 0 ? text : text.slice(0, end)
}

/** Some bytes as a body to keep: it shares no memory with them. */
export const bodyFrom = (bytes: Uint8Array, start = 0, end = bytes.length): Argument =>
  end - start <= shortBody
    ? fromBytes(bytes, start, end)
    : // The `slice` of a `Buffer` would share its memory.
      new Uint8Array(bytes.subarray(start, end))

/** An argument as a body to keep: it shares no memory with the argument. */
export const asBody = (argument: Argument): Argument => {
  if (typeof argument !== "string") return bodyFrom(argument)
  return argument.length <= shortBody ? argument : toBytes(argument)
}
