import * as Effect from "effect/Effect"
import { Backlog } from "./backlog.js"
import type { Connection } from "./connection.js"

/** A client that has sent nothing for so many ms has nothing on its way. */
const silentMillis = 50

// A process that did not run for a while wakes up with its timers, and reads what has arrived meanwhile after that. So the time is
// waited for in parts: what is on its way is read between two of them.
const silence = Effect.repeatN(Effect.sleep(silentMillis / 10), 9)

/** The connections of a server. */
export class Connections {
  readonly backlog: Backlog
  private readonly open = new Set<Connection>()
  private isFinishing = false
  private onEmpty = () => {}

  /** `maxUnread` is in bytes. */
  constructor(maxUnread: number) {
    this.backlog = new Backlog(maxUnread)
  }

  add(connection: Connection): void {
    this.open.add(connection)
    if (this.isFinishing) connection.finish()
  }

  remove(connection: Connection): void {
    this.open.delete(connection)
    if (this.open.size === 0) this.onEmpty()
  }

  private readonly emptied = Effect.async<void>((resume) => {
    this.onEmpty = () => resume(Effect.void)
    if (this.open.size === 0) this.onEmpty()
  })

  /**
   * Answers what has arrived, and waits until all clients are gone. A client that goes on sending is read for half of the time given,
   * in ms.
   */
  finish(within: number): Effect.Effect<void> {
    const read = (left: number): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (this.open.size === 0) return Effect.void
        return Effect.zipRight(
          silence,
          Effect.suspend(() => {
            const finished = [...this.open].map((connection) => connection.finishIfSilent())
            return finished.every(Boolean) || left <= silentMillis ? Effect.void : read(left - silentMillis)
          })
        )
      })
    const last = Effect.suspend(() => {
      this.isFinishing = true
      for (const connection of this.open) connection.finish()
      return this.emptied
    })
    return Effect.zipRight(read(within / 2), last)
  }

  /** Cuts off the clients that are left. */
  cut(): void {
    for (const connection of this.open) connection.cut()
  }
}
