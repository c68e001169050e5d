/** Reading arguments as the server does: options in any case, timeouts, ids. */
import { err, Failure } from "../../wire/answers.js"
import { type Argument, asText, cString, headOf } from "../../wire/bytes.js"
import { parseLong } from "../../wire/integers.js"
import { isId } from "../jobId.js"
import type { Node } from "../node.js"

export const notAnInteger = err("value is not an integer or out of range")

export const badId = new Failure("BADID Invalid Job ID format.")

/** The last point in time that the server can hold, in ms. */
const latest = 2n ** 63n - 1n

export const outOfMemory = new Failure("OOM command not allowed when used memory > 'maxmemory'.")

const negativeTimeout = err("timeout is negative")
const badTimeout = err("timeout is not an integer or out of range")

/** The end of a timeout that is given in ms, in ms since the base; 0 if the timeout never passes. */
export const parseTimeout = (node: Node, argument: Argument): number | Failure => {
  const timeout = parseLong(argument)
  if (timeout === undefined) return badTimeout
  if (timeout < 0n) return negativeTimeout
  if (timeout === 0n) return 0
  // On a server, the sum overflows and lies in the past.
  const isOver = timeout >= latest - BigInt(node.world.base + node.ms)
  return isOver ? Math.max(1, node.ms) : node.ms + Number(timeout)
}

/** No option has a longer name. */
const longestWord = 64

/** The name of an option in lower case. Of a longer argument, which is no option, only the beginning. */
export const word = (argument: Argument): string => cString(headOf(argument, longestWord)).toLowerCase()

/** How much of an argument an error quotes, in bytes. */
const mostQuoted = 64 * 1024

/** An argument as an error quotes it. */
export const quoted = (argument: Argument): string => cString(headOf(argument, mostQuoted))

/** All arguments of a command as job ids; an error if one does not look like an id. */
export const parseIds = (command: ReadonlyArray<Argument>): ReadonlyArray<string> | Failure => {
  const ids: Array<string> = []
  for (let i = 1; i < command.length; i++) {
    const id = asText(command[i] as Argument)
    if (!isId(id)) return badId
    ids.push(id)
  }
  return ids
}
