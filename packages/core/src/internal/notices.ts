/** Trouble in the log: the first of each kind as it happens, then one line a minute that counts the others. */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { interruptSoon, type RunningFiber } from "./runtime.js"
import * as Time from "./time.js"

/**
 * Logs an event. `more` is to be appended to the message: it is empty the first time, and later it says how often the event has
 * happened since the last line. Long details, such as a stack trace, belong only in the first line.
 */
export type Line = (more: string) => Effect.Effect<void>

interface Kind {
  /** Until then it is counted. */
  until: number
  count: number
  /** The first that was counted. */
  first: Line | undefined
  timer: RunningFiber | undefined
}

const quietMillis = 60_000
// Kinds hold names of queues, nodes and errors. Beyond this many they share a line.
const mostKinds = 100
const others = ""

export class Notices {
  private readonly now: () => number
  private readonly fork: (effect: Effect.Effect<void>) => RunningFiber
  private readonly kinds = new Map<string, Kind>()
  private isEnded = false

  /** `fork` starts a fiber that nothing else ends. While something is counted it runs, for a minute at most; `end` ends it. */
  constructor(clock: Clock.Clock, fork: (effect: Effect.Effect<void>) => RunningFiber) {
    this.now = () => Time.monotonicMillis(clock)
    this.fork = fork
  }

  /** Logs the event if none of its kind was logged for a minute. Otherwise counts it, for a line at the end of the minute. */
  say(kind: string, line: Line): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.isEnded) return quietly(line(""))
      const now = this.now()
      const entry = this.entry(kind, now)
      if (isOver(entry, now)) {
        entry.until = now + quietMillis
        return quietly(line(""))
      }
      entry.count += 1
      entry.first ??= line
      entry.timer ??= this.fork(
        Effect.interruptible(
          Effect.zipRight(
            Time.sleep(entry.until - now),
            Effect.suspend(() => this.sum(entry))
          )
        )
      )
      return Effect.void
    })
  }

  /** Logs what was counted, and counts no more. */
  readonly end: Effect.Effect<void> = Effect.suspend(() => {
    this.isEnded = true
    const kinds = [...this.kinds.values()]
    this.kinds.clear()
    for (const { timer } of kinds) if (timer !== undefined) interruptSoon(timer)
    // In a fiber of the same kind, so that the loggers and annotations are the same.
    return Effect.asVoid(Fiber.await(this.fork(Effect.forEach(kinds, (entry) => this.sum(entry), { discard: true }))))
  })

  private entry(kind: string, now: number): Kind {
    const known = this.kinds.get(kind)
    if (known !== undefined) return known
    if (this.kinds.size >= mostKinds) {
      for (const [name, entry] of this.kinds) if (isOver(entry, now)) this.kinds.delete(name)
      if (this.kinds.size >= mostKinds && kind !== others) return this.entry(others, now)
    }
    const entry: Kind = { until: Number.NEGATIVE_INFINITY, count: 0, first: undefined, timer: undefined }
    this.kinds.set(kind, entry)
    return entry
  }

  private sum(entry: Kind): Effect.Effect<void> {
    const { count, first } = entry
    entry.until = this.now() + quietMillis
    entry.count = 0
    entry.first = undefined
    entry.timer = undefined
    if (first === undefined) return Effect.void
    const times = count === 1 ? "once" : `${count} times`
    return Effect.annotateLogs(quietly(first(` (and ${times} more since this was last said)`)), "count", count)
  }
}

const isOver = ({ count, until }: Kind, now: number): boolean => count === 0 && now >= until

// A logger of the user may fail: nothing else is to fail with it.
const quietly = (log: Effect.Effect<void>): Effect.Effect<void> => Effect.catchAllCause(log, () => Effect.void)
