/**
 * The commands about what made a node wait, measured if `latency-monitor-threshold` is set.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Command from "../Command.js"
import * as input from "../internal/input.js"
import { readMillis } from "../internal/readers.js"
import * as Reply from "../Reply.js"
import { momentOf } from "./server.js"

const readMoment: Reply.Reader<DateTime.Utc> = (reply) => momentOf(Reply.integer(reply) * 1000)

/**
 * A time that a node waited.
 *
 * @since 0.1.0
 * @category models
 */
export interface LatencySample {
  /** When the node waited, to the second. */
  readonly at: DateTime.Utc
  /** How long the node waited, in whole milliseconds. */
  readonly latency: Duration.Duration
  /** Further items that later versions of Disque may add. */
  readonly more: ReadonlyArray<Reply.Reply>
}

/**
 * What made a node wait, and for how long the last time.
 *
 * @since 0.1.0
 * @category models
 */
export interface LatencyEvent extends LatencySample {
  /** `command`, `fast-command`, `fork`, … */
  readonly event: string
  /** The longest time, in whole milliseconds. */
  readonly max: Duration.Duration
}

const readEvent: Reply.Reader<LatencyEvent> = (reply) => {
  const parts = Reply.tuple(4)(reply)
  return {
    event: Reply.at(parts, 0, Reply.text),
    at: Reply.at(parts, 1, readMoment),
    latency: Reply.at(parts, 2, readMillis),
    max: Reply.at(parts, 3, readMillis),
    more: Reply.beyond(parts, 4)
  }
}

const readSample: Reply.Reader<LatencySample> = (reply) => {
  const parts = Reply.tuple(2)(reply)
  return { at: Reply.at(parts, 0, readMoment), latency: Reply.at(parts, 1, readMillis), more: Reply.beyond(parts, 2) }
}

const eventName = (subject: string, event: string): string =>
  input.text(subject, "event", event, "the name of an event, such as `command`")

/**
 * LATENCY LATEST: each event that made the node wait, with its latest and its longest time.
 *
 * @example
 * ```ts
 * import { DisqueConnection } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const { config, latency } = yield* DisqueConnection
 *   // In ms. 0, the default, measures nothing.
 *   yield* config.set("latency-monitor-threshold", 100)
 *   yield* Effect.sleep("10 minutes")
 *   for (const { event } of yield* latency.latest) {
 *     yield* Effect.log(`${event}: ${(yield* latency.history(event)).length} times`)
 *     yield* Effect.log(yield* latency.graph(event))
 *   }
 *   yield* Effect.log(yield* latency.doctor)
 *   yield* latency.reset()
 * })
 * ```
 *
 * @since 0.1.0
 * @category commands
 */
export const latest = Command.define({
  name: "LATENCY LATEST",
  summary: "Gives the events that made the node wait, and the latest sample of each.",
  method: "latency.latest",
  isIdempotent: true,
  decode: Reply.array(readEvent)
})

/**
 * LATENCY HISTORY: the latest 160 samples of an event, the oldest first.
 *
 * @see {@link latest}
 * @since 0.1.0
 * @category commands
 */
export const history = Command.define({
  name: "LATENCY HISTORY",
  summary: "Gives the latest 160 samples of an event, oldest first: an empty array for an event without samples.",
  syntax: "event",
  method: "latency.history",
  isIdempotent: true,
  encode: input.checked((event: string): Command.Call => ({ args: [eventName("LATENCY HISTORY", event)] })),
  decode: Reply.array(readSample)
})

/**
 * LATENCY GRAPH: the samples of an event, drawn as text. Fails with `CommandRefused` if there are none.
 *
 * @see {@link latest}
 * @since 0.1.0
 * @category commands
 */
export const graph = Command.define({
  name: "LATENCY GRAPH",
  summary: "Draws the samples of an event. An event without samples is refused.",
  syntax: "event",
  method: "latency.graph",
  isIdempotent: true,
  encode: input.checked((event: string): Command.Call => ({ args: [eventName("LATENCY GRAPH", event)] })),
  decode: Reply.text
})

/**
 * LATENCY DOCTOR: what the node says about its latency, and how to improve it, as text.
 *
 * @see {@link latest}
 * @since 0.1.0
 * @category commands
 */
export const doctor = Command.define({
  name: "LATENCY DOCTOR",
  summary: "Explains in prose what made the node wait, and what may help.",
  method: "latency.doctor",
  isIdempotent: true,
  decode: Reply.text
})

/**
 * LATENCY RESET: deletes the samples of the named events, or of all events if none is named. Gives of how many events.
 *
 * @see {@link latest}
 * @since 0.1.0
 * @category commands
 */
export const reset = Command.define({
  name: "LATENCY RESET",
  summary: "Drops the samples of the named events, or of all events, and gives how many events there were.",
  syntax: "[event …]",
  method: "latency.reset",
  isIdempotent: true,
  encode: input.checked(
    (...events: ReadonlyArray<string>): Command.Call => ({
      args: events.map((event) => eventName("LATENCY RESET", event))
    })
  ),
  decode: Reply.integer
})
