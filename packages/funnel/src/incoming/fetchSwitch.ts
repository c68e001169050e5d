/** Switches the fetching of jobs on while somebody takes them, and off. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

export interface FetchSwitchNeeds {
  /** Fetches until it is interrupted, and ends when the replies still due are read. */
  readonly fetch: Effect.Effect<void>
  /** Whether jobs are to be fetched. */
  readonly isWanted: () => boolean
  /** Runs an effect that outlives the caller. */
  readonly fork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  /** Called when no fetch is under way any more. */
  readonly onStopped: () => void
}

export class FetchSwitch {
  private readonly needs: FetchSwitchNeeds
  private fetching: Fiber.RuntimeFiber<void> | undefined = undefined
  /** Whether the fetches under way are to be the last. */
  isStopping = false

  constructor(needs: FetchSwitchNeeds) {
    this.needs = needs
  }

  /** Begins to fetch, if jobs are wanted. */
  start(): void {
    if (this.fetching !== undefined || !this.needs.isWanted()) return
    const fetching = this.needs.fork(this.needs.fetch)
    this.fetching = fetching
    fetching.addObserver(() => {
      this.fetching = undefined
      this.isStopping = false
      this.needs.onStopped()
      this.start()
    })
  }

  /** Ends when no fetch waits on a node any more, and the replies still due are read. */
  readonly stop: Effect.Effect<void> = Effect.suspend(() => {
    if (this.fetching === undefined) return Effect.void
    this.isStopping = true
    return Effect.asVoid(Fiber.interrupt(this.fetching))
  })
}
