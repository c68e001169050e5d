/** Reading arguments as the server does: options in any case, timeouts, ids. */
import { err, Failure } from "../../wire/answers.js"
import { type Argument, asText, cString, headOf } from "../../wire/bytes.js"
import { parseLong } from "../../wire/integers.js"
import { isId } from "../jobId.js"
import type { Node } from "../node.js"

export const notAnInteger = err("value is not an integer or out of range")

export const badId = new Failure("BADID Invalid Job ID format.")

/** The last time that the server can hold, in ms. */
const latest = 2n ** 63n - 1n

export const outOfMemory = new Failure("OOM command not allowed when used memory > 'maxmemory'.")

const negativeTimeout = err("timeout is negative")
const badTimeout = err("timeout is not an integer or out of range")

/** A timeout in ms as the time it ends, in ms since the base; 0 for ever. */
export const parseTimeout = (node: Node, argument: Argument): number | Failure => {
  const timeout = parseLong(argument)
  if (timeout === undefined) return badTimeout
  if (timeout < 0n) return negativeTimeout
  if (timeout === 0n) return 0
  // The sum overflows there, and lies in the past.
  const isOver = timeout >= latest - BigInt(node.world.base + node.ms)
  return isOver ? Math.max(1, node.ms) : node.ms + Number(timeout)
}

/** No word that means something is longer. */
const longestWord = 64

/** The word of an option, or of what is none: then the beginning of it. */
export const word = (argument: Argument): string => cString(headOf(argument, longestWord)).toLowerCase()

/** How much of an argument is quoted to who sent it. */
const mostQuoted = 64 * 1024

/** An argument as an error quotes it. */
export const quoted = (argument: Argument): string => cString(headOf(argument, mostQuoted))

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
