/** Integers as the server reads them, with `strtoll`: an empty text is 0, and a text ends at its first NUL. */
import { type Argument, asText, cString } from "./bytes.js"

const least = -(2n ** 63n)
const most = 2n ** 63n - 1n

/** The most digits of an integer of 64 bits, without leading zeros. */
const mostDigits = 20

/** Whether the text is an integer, or empty. */
const isInteger = (text: string): boolean => text === "" || /^[+-]?\d+$/.test(text)

const zero = 0x30

/** An integer of up to 20 digits. The time to read a longer one would grow faster than its length. */
export const parseBig = (argument: Argument): bigint | undefined => {
  const text = cString(asText(argument))
  const sign = text[0] === "-" ? -1n : 1n
  const start = text[0] === "-" || text[0] === "+" ? 1 : 0
  let at = start
  while (text.charCodeAt(at) === zero) at++
  const digits = text.slice(at, at + mostDigits + 1)
  if (digits.length > mostDigits || !/^\d*$/.test(digits)) return undefined
  return at === text.length && at === start && start > 0 ? undefined : sign * BigInt(digits)
}

/** A signed integer of 64 bits. */
export const parseLong = (argument: Argument): bigint | undefined => {
  const value = parseBig(argument)
  return value === undefined || value < least || value > most ? undefined : value
}

const unsafe = 2n ** 52n

/**
 * A signed integer of 64 bits as a number. An integer that a number cannot hold becomes 2⁵² plus its lowest 52 bits: larger than
 * any value in use, and with the bits that the server keeps.
 */
export const parseInteger = (argument: Argument): number | undefined => {
  const text = cString(asText(argument))
  if (text.length <= 15) return isInteger(text) ? Number(text) : undefined
  const value = parseLong(text)
  if (value === undefined) return undefined
  return Number(value < unsafe ? value : unsafe + (value % unsafe))
}

/** The value of a number that the server keeps in 32 bits. */
export const uint32 = (value: number): number => ((value % 0x1_0000_0000) + 0x1_0000_0000) % 0x1_0000_0000
