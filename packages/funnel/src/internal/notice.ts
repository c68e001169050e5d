/** Says what is wrong when it begins, and how often it happened when it has gone on for a while: once, not a thousand times. */
import * as Effect from "effect/Effect"
import { quietly } from "./quietly.js"

type Log = (more: string) => Effect.Effect<void>

interface Entry {
  since: number
  silenced: number
  /** The first that was not logged. */
  log: Log | undefined
}

const quietMillis = 60_000
const mostKinds = 100

export class Notices {
  private readonly now: () => number
  private readonly entries = new Map<string, Entry>()

  constructor(now: () => number) {
    this.now = now
  }

  /** Logs where nothing of this kind was logged for a minute; gives the log a count of what was not logged since. */
  say(kind: string, log: Log): Effect.Effect<void> {
    return Effect.suspend(() => {
      const now = this.now()
      const entry = this.entries.get(kind)
      if (entry !== undefined && now - entry.since < quietMillis) {
        entry.silenced += 1
        entry.log ??= log
        return Effect.void
      }
      const silenced = entry?.silenced ?? 0
      if (entry === undefined && this.entries.size >= mostKinds) {
        const [oldest] = this.entries.keys()
        if (oldest !== undefined) this.entries.delete(oldest)
      }
      this.entries.delete(kind)
      this.entries.set(kind, { since: now, silenced: 0, log: undefined })
      return quietly(log(timesMore(silenced)))
    })
  }

  /** Says what was not logged since it was last said. */
  readonly end: Effect.Effect<void> = Effect.suspend(() => {
    const entries = [...this.entries.values()]
    this.entries.clear()
    return Effect.forEach(
      entries,
      // One of them is said with this.
      ({ log, silenced }) => (log === undefined ? Effect.void : quietly(log(timesMore(silenced - 1)))),
      { discard: true }
    )
  })
}

const timesMore = (count: number): string => (count === 0 ? "" : ` (and ${count} times more since this was last said)`)
