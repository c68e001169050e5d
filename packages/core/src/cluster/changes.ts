/** A change notice: fibers wait for the next change. */
import * as Effect from "effect/Effect"

export class Changes {
  private count = 0
  private readonly watchers = new Set<() => void>()

  /** Another number after each change. */
  get version(): number {
    return this.count
  }

  notify(): void {
    this.count += 1
    for (const watch of [...this.watchers]) watch()
  }

  /** Ends as soon as `version` is no longer the one given. */
  since(version: number): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      if (this.count !== version) return resume(Effect.void)
      const watch = () => resume(Effect.void)
      this.watchers.add(watch)
      return Effect.sync(() => this.watchers.delete(watch))
    }).pipe(Effect.asVoid)
  }
}
