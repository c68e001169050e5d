/** Round trips to nodes: how they are measured, and how they are shown. */
import type { CommandError } from "@disco/core"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Settings } from "../connection/Settings.js"
import { spread } from "../figures.js"
import { Count, Millis, millis } from "../output/fields.js"
import { latency, span } from "../output/format.js"
import { paints, type Style } from "../output/style.js"
import { table } from "../output/table.js"

/** What pings of one node came to. */
export const Pinged = Schema.Struct({
  node: Schema.String.annotations({ description: "host:port" }),
  id: Schema.String,
  sent: Count,
  answered: Count,
  min: Schema.NullOr(Millis),
  median: Schema.NullOr(Millis),
  p99: Schema.NullOr(Millis),
  max: Schema.NullOr(Millis),
  error: Schema.NullOr(Schema.String).annotations({ description: "why the last PING without an answer had none" })
})

export type Pinged = typeof Pinged.Type

const time = (value: number | null): string => (value === null ? "" : latency(value))

export const pingedTable = (nodes: ReadonlyArray<Pinged>, style: Style): string => {
  const paint = paints(style)
  return table<Pinged>(
    [
      { title: "NODE", cell: ({ node }) => node, paint: () => paint.bold },
      {
        title: "ANSWERED",
        cell: ({ answered, sent }) => `${answered}/${sent}`,
        align: "right",
        paint: ({ answered, sent }) => (answered < sent ? paint.red : paint.green)
      },
      { title: "MIN", cell: ({ min }) => time(min), align: "right", priority: 2 },
      { title: "MEDIAN", cell: ({ median }) => time(median), align: "right", priority: 1 },
      { title: "P99", cell: ({ p99 }) => time(p99), align: "right", priority: 3 },
      { title: "MAX", cell: ({ max }) => time(max), align: "right", priority: 4 },
      { title: "ID", cell: ({ id }) => id.slice(0, 8), priority: 5 }
    ],
    nodes,
    style
  )
}

/** What came of some pings. */
export interface Pings {
  /** How long those that were answered took, in milliseconds. */
  readonly times: ReadonlyArray<number>
  readonly sent: number
  readonly answered: number
  /** Why the last one without an answer had none. */
  readonly error: string | null
}

export const noPings: Pings = { times: [], sent: 0, answered: 0, error: null }

/** Sends one PING after the other, with a pause in between, until there are enough. None takes longer than the timeout. */
export const pingUntil = (
  ping: Effect.Effect<void, CommandError>,
  pause: Duration.Duration,
  isEnough: (sent: number) => Effect.Effect<boolean>
): Effect.Effect<Pings, never, Settings> =>
  Effect.gen(function* () {
    const { timeout } = yield* Settings
    const timed = ping.pipe(
      Effect.mapError(({ message }) => message),
      Effect.timeoutFail({ duration: timeout, onTimeout: () => `did not answer within ${span(timeout)}` }),
      Effect.timed,
      Effect.either
    )
    const times: Array<number> = []
    let sent = 0
    let error: string | null = null
    for (;;) {
      const answer = yield* timed
      sent++
      if (answer._tag === "Right") times.push(millis(answer.right[0]))
      else error = answer.left
      if (yield* isEnough(sent)) return { times, sent, answered: times.length, error }
      yield* Effect.sleep(pause)
    }
  })

export const pinged = (node: string, id: string, { answered, error, sent, times }: Pings): Pinged => {
  const { max = null, median = null, min = null, p99 = null } = spread(times) ?? {}
  return { node, id, sent, answered, min, median, p99, max, error }
}
