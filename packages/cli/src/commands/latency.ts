/** `disco latency`: round trips to each node, over and over. */
import { DisquePool } from "@disco/core"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { onCluster } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { Output } from "../output/Output.js"
import { noPings, Pinged, type Pings, pinged, pingedTable, pingUntil } from "../pings/pings.js"
import * as read from "../readers.js"

export const Item = Schema.Struct({
  at: Schema.Number.annotations({ description: "when the time that this is about ended, in ms since 1970" }),
  ...Pinged.fields
})

/** The time between two pings of a node. */
const pause = Duration.millis(10)

/** More times are not kept: the spread is that of the last ones. */
const mostTimes = 100_000

const added = (a: Pings, b: Pings): Pings => ({
  times: [...a.times, ...b.times].slice(-mostTimes),
  sent: a.sent + b.sent,
  answered: a.answered + b.answered,
  error: b.error ?? a.error
})

export const command = onCluster({
  name: "latency",
  summary: "Measure the round trips to each node, until Ctrl-C",
  details:
    "Each node is sent a PING every 10 ms. On a terminal, the figures since the start are shown in one place. Elsewhere, and with --json, those of each time are printed.",
  options: {
    every: option.defaulted("TIME", read.duration(100), "1s", "How often figures are shown."),
    for: option.optional("TIME", read.duration(1), "For how long to measure. Default: until Ctrl-C.")
  },
  output: Item,
  isStream: true,
  examples: [
    ["disco latency", "live, until Ctrl-C"],
    ["disco latency --for 1m --every 10s --json", "six lines of JSON for each node"]
  ],
  statuses: { 1: "A PING was not answered." },
  run: ({ every, for: whole }) =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const output = yield* Output
      const { nodes } = yield* pool.hello
      const begin = yield* Clock.currentTimeMillis
      const end = whole === undefined ? Number.POSITIVE_INFINITY : begin + Duration.toMillis(whole)
      let all: ReadonlyArray<Pings> = nodes.map(() => noPings)
      for (let due = begin; due < end; ) {
        due = Math.min(end, due + Duration.toMillis(every))
        const isOver = Effect.map(Clock.currentTimeMillis, (now) => now + Duration.toMillis(pause) > due)
        const times = yield* Effect.forEach(
          nodes,
          ({ address }) => pingUntil(pool.on(address).ping, pause, () => isOver),
          { concurrency: "unbounded" }
        )
        all = all.map((pings, i) => added(pings, times[i] ?? noPings))
        const shown = (of: ReadonlyArray<Pings>) =>
          nodes.map(({ address, id }, i) => pinged(address, id, of[i] ?? noPings))
        if (output.isJson) {
          for (const each of shown(times)) yield* output.item(Item, { at: due, ...each }, () => "")
        } else {
          yield* output.live((style) =>
            pingedTable(shown(style.columns === Number.POSITIVE_INFINITY ? times : all), style)
          )
        }
      }
      return all.some(({ answered, sent }) => answered < sent) ? 1 : 0
    })
})
