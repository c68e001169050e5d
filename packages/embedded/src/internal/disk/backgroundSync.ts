/** Syncs what is written while other records are written. */
import type { PlatformError } from "@effect/platform/Error"
import * as Effect from "effect/Effect"
import type { Node } from "../node/node.js"
import type { AofFile } from "./aofFile.js"

/** A sync that takes so long delays the writes, in µs: a server waits for it no longer. */
const longSync = 2_000_000

export class BackgroundSync {
  private readonly node: Node
  /** Since when the present sync has delayed no write, in µs; undefined if there is none. */
  private since: number | undefined

  constructor(node: Node) {
    this.node = node
  }

  get isRunning(): boolean {
    return this.since !== undefined
  }

  run(file: AofFile): Effect.Effect<void, PlatformError> {
    return Effect.suspend(() => {
      if (!file.isDirty) return Effect.void
      this.since = this.node.world.micros()
      return Effect.ensuring(
        file.sync,
        Effect.sync(() => {
          this.since = undefined
        })
      )
    })
  }

  /** Something is written: that counts as delayed, as on a server, which counts one write in the time that it waits. */
  noteWrite(): void {
    if (this.since === undefined) return
    const { statistics, world } = this.node
    const now = world.micros()
    if (now - this.since < longSync) return
    statistics.delayedSyncs++
    this.since = now
  }
}
