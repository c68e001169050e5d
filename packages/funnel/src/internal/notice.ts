/** Says what is wrong when it begins, and how often it happened when it has gone on for a while: once, not a thousand times. */
import * as Effect from "effect/Effect"
import { quietly } from "./quietly.js"

interface Entry {
  since: number
  silenced: number
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
  say(kind: string, log: (more: string) => Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const now = this.now()
      const entry = this.entries.get(kind)
      if (entry !== undefined && now - entry.since < quietMillis) {
        entry.silenced += 1
        return Effect.void
      }
      const silenced = entry?.silenced ?? 0
      if (entry === undefined && this.entries.size >= mostKinds) {
        const [oldest] = this.entries.keys()
        if (oldest !== undefined) this.entries.delete(oldest)
      }
      this.entries.delete(kind)
      this.entries.set(kind, { since: now, silenced: 0 })
      return quietly(log(silenced === 0 ? "" : ` (and ${silenced} times more since this was last said)`))
    })
  }
}
