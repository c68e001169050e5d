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

/** The most bytes for one call of `String.fromCharCode`: its arguments are on the stack. */
const stride = 4096

/** Up to this length a body is kept as a byte string, above as bytes. */
const shortBody = 512

const notAscii = /[^\0-\x7f]/

/** The byte string of some bytes. */
export const fromBytes = (bytes: Uint8Array): string => {
  if (bytes.length <= stride) return Reflect.apply(String.fromCharCode, null, bytes)
  let text = ""
  for (let at = 0; at < bytes.length; at += stride) text += fromBytes(bytes.subarray(at, at + stride))
  return text
}

/** The bytes of a byte string. */
export const toBytes = (text: string): Uint8Array => {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

/** The argument that stands for a text. On the wire, text is UTF-8. */
export const fromText = (text: string): Argument => (notAscii.test(text) ? encoder.encode(text) : text)

/** The length of the longest string: 24 less than that of the longest argument. */
const longestText = 2 ** 29 - 24

/** The first `length` bytes of an argument as a byte string. */
export const headOf = (argument: Argument, length: number): string =>
  typeof argument === "string"
    ? argument.slice(0, length)
    : fromBytes(argument.length > length ? argument.subarray(0, length) : argument)

/** An argument as a byte string. Only the very longest arguments lose their last bytes. */
export const asText = (argument: Argument): string =>
  typeof argument === "string" ? argument : headOf(argument, longestText)

/** A byte string up to its first NUL, where a string of C ends. */
export const cString = (text: string): string => {
  const end = text.indexOf("\0")
  return end < 0 ? text : text.slice(0, end)
}

/** An argument as a body to keep: it shares no memory with the argument. */
export const asBody = (argument: Argument): Argument => {
  if (argument.length <= shortBody) return asText(argument)
  return typeof argument === "string" ? toBytes(argument) : argument.slice()
}
