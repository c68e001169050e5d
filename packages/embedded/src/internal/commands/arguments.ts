/** Reading arguments as the server does: numbers like `strtoll`, options in any case. */
import { err, Failure } from "../answer.js"
import { type Argument, asText } from "../bytes.js"
import { isId } from "../job.js"
import type { Node } from "../node.js"

const least = -(2n ** 63n)
const most = 2n ** 63n - 1n

/** A 64-bit integer; beyond 2⁵³ the nearest double. Nothing at all reads as 0, and whatever follows a NUL is not seen. */
export const parseInteger = (argument: Argument): number | undefined => {
  const whole = asText(argument)
  const end = whole.indexOf("\0")
  const text = end < 0 ? whole : whole.slice(0, end)
  if (text === "") return 0
  if (!/^[+-]?\d+$/.test(text)) return undefined
  if (text.length <= 15) return Number(text)
  const exact = BigInt(text.startsWith("+") ? text.slice(1) : text)
  return exact < least || exact > most ? undefined : Number(exact)
}

export const notAnInteger = err("value is not an integer or out of range")

export const badId = new Failure("BADID Invalid Job ID format.")

const negativeTimeout = err("timeout is negative")
const badTimeout = err("timeout is not an integer or out of range")

/** A timeout in ms as the time it ends, in ms since the base; 0 for ever. */
export const parseTimeout = (node: Node, argument: Argument): number | Failure => {
  const timeout = parseInteger(argument)
  if (timeout === undefined) return badTimeout
  if (timeout < 0) return negativeTimeout
  return timeout === 0 ? 0 : node.ms + timeout
}

/** The word of an option. */
export const word = (argument: Argument): string => asText(argument).toLowerCase()

/** All arguments of a command as job ids; if one does not look like it, none counts. */
export const parseIds = (command: ReadonlyArray<Argument>): ReadonlyArray<string> | Failure => {
  const ids: Array<string> = []
  for (let i = 1; i < command.length; i++) {
    const id = asText(command[i] as Argument)
    if (!isId(id)) return badId
    ids.push(id)
  }
  return ids
}

/** What a number is cut to where the server keeps it in 32 bits. */
export const uint32 = (value: number): number => ((value % 0x1_0000_0000) + 0x1_0000_0000) % 0x1_0000_0000
