import { Effect, HashMap, Logger } from "effect"

export interface Line {
  readonly level: string
  readonly text: string
  /** All of the message. */
  readonly whole: string
  readonly annotations: Record<string, unknown>
}

/** A logger, and the lines that were logged. */
export const makeLog = () => {
  const lines: Array<Line> = []
  const logger = Logger.make<unknown, void>(({ annotations, logLevel, message }) => {
    lines.push({
      level: logLevel.label,
      text: String(Array.isArray(message) ? message[0] : message),
      whole: Array.isArray(message) ? message.join(" ") : String(message),
      annotations: Object.fromEntries(HashMap.toEntries(annotations))
    })
  })
  return { lines, layer: Logger.replace(Logger.defaultLogger, logger) }
}

/** Runs an effect and gives what it logs. */
export const logged = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<ReadonlyArray<Line>, E, R> => {
  const log = makeLog()
  return Effect.as(Effect.provide(effect, log.layer), log.lines)
}
