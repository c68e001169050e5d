/** The log of `disco serve`: one line for each event, on standard output as Disque's. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"

export type Format = "text" | "json"
export type Level = "debug" | "verbose" | "notice" | "warning"

/** The least level of Effect that each of Disque's levels shows. */
const least: Record<Level, LogLevel.LogLevel> = {
  debug: LogLevel.All,
  verbose: LogLevel.Debug,
  notice: LogLevel.Info,
  warning: LogLevel.Warning
}

const levelOf = ({ ordinal }: LogLevel.LogLevel): Level | "error" => {
  if (ordinal >= LogLevel.Error.ordinal) return "error"
  if (ordinal >= LogLevel.Warning.ordinal) return "warning"
  if (ordinal >= LogLevel.Info.ordinal) return "notice"
  return ordinal >= LogLevel.Debug.ordinal ? "verbose" : "debug"
}

const control = /[\p{Cc}\u2028\u2029]/gu

/** Text on one line, which tells a terminal nothing. */
const oneLine = (text: string): string =>
  text.replace(/\s*\n\s*/g, " | ").replace(control, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`)

const textOf = (message: unknown): string =>
  (Array.isArray(message) ? message : [message]).map((part) => Inspectable.toStringUnknown(part, 0)).join(" ")

const lines = (format: Format): Logger.Logger<unknown, string> =>
  Logger.make(({ annotations, cause, date, logLevel, message }) => {
    const level = levelOf(logLevel)
    const why = Cause.isEmpty(cause) ? undefined : Cause.pretty(cause)
    const text = textOf(message)
    const time = date.toISOString()
    return format === "json"
      ? JSON.stringify({ time, level, ...Object.fromEntries(annotations), message: text, cause: why })
      : `${time} ${level} ${oneLine(why === undefined ? text : `${text}: ${why}`)}`
  })

/** The logger, and the least level that it is given. */
export const make = (format: Format, level: Level) => ({
  logger: Logger.withConsoleLog(lines(format)),
  least: least[level]
})

/** What belongs to an event, for programs that read the log. */
type Details = Readonly<Record<string, unknown>>

const logged =
  (log: (text: string) => Effect.Effect<void>) =>
  (event: string, text: string, details: Details = {}): Effect.Effect<void> =>
    Effect.annotateLogs(log(text), { event, ...details })

/** Says what happens. */
export const notice = logged(Effect.logInfo)

/** Says what somebody should look after. */
export const warning = logged(Effect.logWarning)
