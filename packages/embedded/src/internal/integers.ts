/** Integers as the server reads them, with `strtoll`: nothing at all reads as 0, and whatever follows a NUL is not seen. */
import { type Argument, asText, cString } from "./bytes.js"

const least = -(2n ** 63n)
const most = 2n ** 63n - 1n

/** Whether the text is an integer, or nothing. */
const isInteger = (text: string): boolean => text === "" || /^[+-]?\d+$/.test(text)

/** An integer of any size. */
export const parseBig = (argument: Argument): bigint | undefined => {
  const text = cString(asText(argument))
  return isInteger(text) ? BigInt(text.startsWith("+") ? text.slice(1) : text) : undefined
}

/** A signed integer of 64 bits. */
export const parseLong = (argument: Argument): bigint | undefined => {
  const value = parseBig(argument)
  return value === undefined || value < least || value > most ? undefined : value
}

const unsafe = 2n ** 52n

/**
 * A signed integer of 64 bits as a number. What a number cannot hold is brought down to 2⁵² and its lowest 52 bits: still
 * larger than all that anybody means, and with the bits that the server keeps of it.
 */
export const parseInteger = (argument: Argument): number | undefined => {
  const text = cString(asText(argument))
  if (text.length <= 15) return isInteger(text) ? Number(text) : undefined
  const value = parseLong(text)
  if (value === undefined) return undefined
  return Number(value < unsafe ? value : unsafe + (value % unsafe))
}

/** What a number is cut to where the server keeps it in 32 bits. */
export const uint32 = (value: number): number => ((value % 0x1_0000_0000) + 0x1_0000_0000) % 0x1_0000_0000
