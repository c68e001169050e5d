/** Commands that are not described here, as words. */
import * as Command from "../Command.js"
import { type RefusalWord, refusals } from "../DisqueError.js"
import * as input from "../internal/input.js"
import * as Reply from "../Reply.js"

const everyRefusal = Object.keys(refusals) as ReadonlyArray<RefusalWord>

const readArgument = (subject: string, argument: string | number | Uint8Array): string | Uint8Array => {
  if (typeof argument === "string") return input.sendable(subject, "argument", argument)
  if (argument instanceof Uint8Array) return input.copyOf(subject, "argument", argument)
  return typeof argument === "number" && Number.isFinite(argument)
    ? String(argument)
    : input.refuse(subject, "argument", input.show(argument), "text, a number or a Uint8Array")
}

const decoder = new TextDecoder()

const wordOf = (argument: string | Uint8Array | undefined): string =>
  (argument instanceof Uint8Array ? decoder.decode(argument) : (argument ?? "")).toUpperCase()

// Others use the same link and wait for their replies in order: these commands would keep them waiting, or end the order.
const unfit = (name: string, args: ReadonlyArray<string | Uint8Array>): string | undefined => {
  const word = wordOf(name)
  if (word === "GETJOB") return "another command: `getJobs` fetches jobs, and loses none"
  if (word === "MONITOR" || word === "QUIT") return "a command that is answered once, and leaves the link as it was"
  return word === "CLIENT" && wordOf(args[0]) === "REPLY" ? "a command that leaves every reply as it is" : undefined
}

// ADDJOB waits for copies as long as it says itself.
const serverMillis = (name: string, args: ReadonlyArray<string | Uint8Array>): number => {
  const millis = wordOf(name) === "ADDJOB" ? Number(wordOf(args[2])) : 0
  return Number.isSafeInteger(millis) ? Math.max(0, millis) : 0
}

/**
 * Any command, given as words. Gives the reply as it comes.
 *
 * @example
 * ```ts
 * import { Commands, DisqueConnection } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const disque = yield* DisqueConnection
 *   return yield* disque.execute(yield* Commands.raw.make("QLEN", "emails"))
 * })
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const raw = Command.define({
  name: "any",
  summary:
    "Sends the given words, and gives the reply as it comes. GETJOB, MONITOR, QUIT and CLIENT REPLY are refused.",
  syntax: "name [argument …]",
  method: "raw",
  refusals: everyRefusal,
  encode: input.checked((name: string, ...rest: ReadonlyArray<string | number | Uint8Array>): Command.Call => {
    const word = input.matching("raw", "name", name, /^[!-~]+$/, "the name of a command, one word")
    const args = rest.map((argument) => readArgument("raw", argument))
    const expected = unfit(word, args)
    if (expected !== undefined) input.refuse("raw", "name", input.show(name), expected)
    return { name: word, args, serverMillis: serverMillis(word, args) }
  }),
  decode: Reply.plain
})

/**
 * DEBUG: commands for the developers of Disque. Gives the reply as it comes.
 *
 * @example
 * ```ts
 * import { DisqueConnection } from "@disco/core"
 * import { Effect } from "effect"
 *
 * // Writes the jobs to disk and reads them again. Not for a node that others use.
 * const program = Effect.flatMap(DisqueConnection, (disque) => disque.server.debug("LOADAOF"))
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const debug = Command.define({
  name: "DEBUG",
  summary:
    "Runs a debugging command of Disque's developers, some of which crash the node. Gives the reply as it comes.",
  syntax: "word [argument …]",
  method: "server.debug",
  encode: input.checked(
    (word: string, ...rest: ReadonlyArray<string | number | Uint8Array>): Command.Call => ({
      args: [
        input.matching("DEBUG", "word", word, /^[!-~]+$/, "what to do, one word"),
        ...rest.map((argument) => readArgument("DEBUG", argument))
      ]
    })
  ),
  decode: Reply.plain
})
