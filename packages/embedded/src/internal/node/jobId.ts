/** The ids of jobs: the node, 144 random bits, and the TTL. */
import type { Random } from "./random.js"

/** The TTL as ids have it: minutes, odd for at-least-once jobs and even for at-most-once ones. */
const ttlOfId = (ttl: number, retry: number): number => {
  let minutes = Math.trunc((ttl | 0) / 60)
  if (minutes > 0xffff) minutes = 0xffff
  if (minutes < 0) minutes = 1
  return (retry | 0) > 0 ? minutes | 1 : minutes & ~1
}

const base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
const codes = Uint8Array.from(base64, (char) => char.charCodeAt(0))
const hexDigits = Uint8Array.from("0123456789abcdef", (char) => char.charCodeAt(0))
const scratch = new Uint8Array(40)

/** Makes an id. */
export const makeId = (node: string, ttl: number, retry: number, random: Random): string => {
  scratch[0] = 0x44
  for (let i = 0; i < 8; i++) scratch[2 + i] = node.charCodeAt(i)
  scratch[1] = scratch[10] = scratch[35] = 0x2d
  let bits = 0
  for (let i = 0; i < 24; i++) {
    if (i % 5 === 0) bits = random.next()
    scratch[11 + i] = codes[bits & 63] as number
    bits >>>= 6
  }
  const minutes = ttlOfId(ttl, retry)
  for (let i = 0; i < 4; i++) scratch[36 + i] = hexDigits[(minutes >> (12 - 4 * i)) & 15] as number
  return Reflect.apply(String.fromCharCode, null, scratch)
}

/** Whether a byte string looks like a job id. Only the length and the separators are checked, as on a server. */
export const isId = (id: string): boolean =>
  id.length === 40 && id[0] === "D" && id[1] === "-" && id[10] === "-" && id[35] === "-"

/** The TTL in an id, in minutes. Characters that are no hexadecimal digits count as 0. */
export const ttlMinutesOf = (id: string): number => {
  let minutes = 0
  for (let i = 36; i < 40; i++) minutes = minutes * 16 + (Number.parseInt(id[i] ?? "0", 16) || 0)
  return minutes
}
