/** The output of the demo: a progress bar at the bottom of a terminal, or plain lines without a terminal. */
import * as Terminal from "@effect/platform/Terminal"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { wrap } from "../wrap.js"

export const number = (value: number): string => value.toLocaleString("en-US", { maximumFractionDigits: 1 })

export const plural = (count: number, noun: string): string => `${number(count)} ${noun}${count === 1 ? "" : "s"}`

/** A name with its control characters escaped, so that it cannot control the terminal. */
export const name = (text: string): string =>
  text.replace(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`)

/** Some names of many. */
export const names = (all: ReadonlyArray<string>): string =>
  all.slice(0, 5).map(name).join(", ") + (all.length > 5 ? ` and ${number(all.length - 5)} more` : "")

export interface Screen {
  /** Shows a line. */
  readonly line: (text: string) => Effect.Effect<void>
  /** Shows how much of the work is done. */
  readonly progress: (done: number, of: number) => void
  /** Shows warnings and errors of the log, each message once: many jobs may fail in the same way. */
  readonly logger: Logger.Logger<unknown, void>
  /** Shows a table, or a list if the terminal is too narrow for the table. */
  readonly table: (rows: ReadonlyArray<ReadonlyArray<string | number>>) => Effect.Effect<void>
  /** Removes the bar. */
  readonly end: Effect.Effect<void>
}

const clear = "\r\u001b[K"

export const make: Effect.Effect<Screen, never, Terminal.Terminal | Scope.Scope> = Effect.gen(function* () {
  const terminal = yield* Terminal.Terminal
  // A bar cannot be drawn on a terminal without columns.
  const columns = yield* terminal.columns
  const barWidth = Math.min(30, columns - 16)
  const isTTY = (yield* terminal.isTTY) && barWidth > 0
  const show = (text: string) => Effect.ignore(terminal.display(text))
  let state = { done: 0, of: 0 }
  let bar = ""
  let quarter = 0

  const draw = Effect.suspend(() => {
    const { done, of } = state
    if (of === 0) return Effect.void
    if (!isTTY) {
      const reached = Math.floor((4 * done) / of)
      if (reached <= quarter) return Effect.void
      quarter = reached
      return show(`  ${number(done)} of ${plural(of, "file")} done\n`)
    }
    const filled = Math.floor((barWidth * done) / of)
    const next = `  ${"█".repeat(filled)}${"░".repeat(barWidth - filled)} ${done}/${of}`
    if (next === bar) return Effect.void
    bar = next
    return show(`${clear}${bar}`)
  })

  yield* Effect.forkScoped(Effect.repeat(draw, Schedule.spaced("50 millis")))
  const end = Effect.suspend(() => {
    const last = draw
    const clean = Effect.suspend(() => {
      const hadBar = bar !== ""
      state = { done: 0, of: 0 }
      bar = ""
      return hadBar ? show("\n") : Effect.void
    })
    return Effect.zipRight(last, clean)
  })
  yield* Effect.addFinalizer(() => end)

  const line = (text: string) =>
    Effect.flatMap(terminal.columns, (columns) => {
      const lines = isTTY ? wrap(text, columns) : text
      return show(isTTY && bar !== "" ? `${clear}${lines}\n${bar}` : `${lines}\n`)
    })

  const runtime = yield* Effect.runtime<never>()
  const logged = new Set<string>()
  const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
    const text = String(Array.isArray(message) ? message[0] : message)
    if (LogLevel.lessThan(logLevel, LogLevel.Warning) || logged.has(text)) return
    logged.add(text)
    Runtime.runFork(runtime, line(`  ${text}`))
  })

  return {
    line,
    table: (rows) =>
      Effect.flatMap(terminal.columns, (columns) =>
        line(`\n${table(rows, isTTY ? columns : Number.POSITIVE_INFINITY)}\n`)
      ),
    logger,
    progress: (done, of) => {
      state = { done, of }
    },
    end
  }
})

/**
 * Columns, the first to the left and the others to the right; a list where they are wider than the terminal. The first row has
 * their names.
 */
export const table = (rows: ReadonlyArray<ReadonlyArray<string | number>>, columns: number): string => {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === "number" ? number(cell) : cell)))
  const widths = (cells[0] ?? []).map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)))
  const total = widths.reduce((sum, width) => sum + width, 0) + 3 * widths.length - 1
  if (total > columns) {
    const [names = [], ...others] = cells
    return others
      .flatMap(([label, ...values]) => [
        `  ${label}`,
        ...values.flatMap((value, i) => (value === "" ? [] : [`    ${names[i + 1]}: ${value}`]))
      ])
      .join("\n")
  }
  return cells
    .map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))))
    .map((row) => `  ${row.join("   ").trimEnd()}`)
    .join("\n")
}
