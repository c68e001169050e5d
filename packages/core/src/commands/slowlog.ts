/**
 * The commands about what took a node long.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Command from "../Command.js"
import * as input from "../internal/input.js"
import { withJson } from "../internal/json.js"
import * as Reply from "../Reply.js"
import { momentOf } from "./server.js"

/**
 * A command that took a node long (SLOWLOG).
 *
 * @since 0.1.0
 * @category models
 */
export interface SlowLogEntry {
  readonly id: bigint
  /** When it ran, to the second. */
  readonly at: DateTime.Utc
  /** How long it ran, to the microsecond; what it waited for is not counted. */
  readonly duration: Duration.Duration
  /** Its words, the first 32 of them and 128 bytes of each. */
  readonly args: ReadonlyArray<Uint8Array>
  /** Further items that later versions of Disque may add. */
  readonly more: ReadonlyArray<Reply.Reply>
}

const readEntry: Reply.Reader<SlowLogEntry> = (reply) => {
  const parts = Reply.tuple(4)(reply)
  return withJson<SlowLogEntry>({
    id: Reply.at(parts, 0, Reply.int64),
    at: momentOf(Reply.at(parts, 1, Reply.integer) * 1000),
    duration: Duration.micros(Reply.at(parts, 2, Reply.int64)),
    args: Reply.at(parts, 3, Reply.array(Reply.bytes)),
    more: Reply.beyond(parts, 4)
  })
}

/**
 * SLOWLOG GET: the commands that took longer than `slowlog-log-slower-than`, the latest first; the latest 10 by default.
 *
 * @example
 * ```ts
 * import { DisqueConnection } from "@disco/core"
 * import { Duration, Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const { slowlog } = yield* DisqueConnection
 *   const entries = yield* slowlog.get(20)
 *   const left = (yield* slowlog.length) - entries.length
 *   yield* slowlog.reset
 *   return [...entries.map(({ duration }) => Duration.format(duration)), `and ${left} more`]
 * })
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const get = Command.define({
  name: "SLOWLOG GET",
  summary: "Gives the latest commands that took longer than `slowlog-log-slower-than`, newest first.",
  syntax: "count",
  method: "slowlog.get",
  isIdempotent: true,
  encode: input.checked(
    (count?: number): Command.Call => ({
      args: [String(input.count("SLOWLOG GET", "count", count ?? 10, 1, Number.MAX_SAFE_INTEGER))]
    })
  ),
  decode: Reply.array(readEntry)
})

/**
 * SLOWLOG LEN: the number of entries of the slow log.
 *
 * @see {@link get}
 * @since 0.1.0
 * @category commands
 */
export const length = Command.define({
  name: "SLOWLOG LEN",
  summary: "Gives how many commands the log of slow commands holds.",
  method: "slowlog.length",
  isIdempotent: true,
  decode: Reply.integer
})

/**
 * SLOWLOG RESET: deletes the entries of the slow log.
 *
 * @see {@link get}
 * @since 0.1.0
 * @category commands
 */
export const reset = Command.define({
  name: "SLOWLOG RESET",
  summary: "Empties the log of slow commands.",
  method: "slowlog.reset",
  isIdempotent: true,
  decode: Reply.ok
})
