/**
 * Answers of a node: the five types of RESP2, with both kinds of null kept apart.
 */
import { Reply } from "@disco/core"
import { toBytes } from "./bytes.js"

/**
 * A status line.
 *
 * @since 0.1.0
 * @category models
 */
export class Status {
  readonly _tag = "Status"
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/**
 * An error line, without its `-`.
 *
 * @since 0.1.0
 * @category models
 */
export class Failure {
  readonly _tag = "Failure"
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** The null bulk, `$-1`. */
export const nullBulk: unique symbol = Symbol("null bulk")

/** The null array, `*-1`. */
export const nullArray: unique symbol = Symbol("null array")

/**
 * An answer. A bulk is a byte string or a `Uint8Array`.
 *
 * @since 0.1.0
 * @category models
 */
export type Answer =
  | Status
  | Failure
  | string
  | Uint8Array
  | number
  | bigint
  | typeof nullBulk
  | typeof nullArray
  | ReadonlyArray<Answer>

export const ok = new Status("OK")

/** An error of the kind `ERR`. Line ends become spaces, as on a server. */
export const err = (text: string): Failure => new Failure(`ERR ${text.replace(/[\r\n]/g, " ")}`)

export const syntaxError = err("syntax error")

/** The answer as clients in the process get it: it shares no memory with the node. */
export const toReply = (answer: Answer): Reply.Reply => {
  if (typeof answer === "string") return toBytes(answer)
  if (typeof answer === "number" || typeof answer === "bigint") return answer
  if (answer === nullBulk || answer === nullArray) return null
  if (answer instanceof Uint8Array) return answer.slice()
  if (answer instanceof Status) return answer.text
  if (answer instanceof Failure) return new Reply.ErrorReply({ text: answer.text })
  return answer.map(toReply)
}
