/** The fibers of a worker: as many as its concurrency. A fiber that ends is replaced until the worker closes. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { Deaths } from "../internal/keepAlive.js"
import { interruptLater } from "../internal/runtime.js"

interface Needs {
  /** Milliseconds of the monotonic clock. */
  readonly now: () => number
  /** Starts a fiber that outlives the caller. */
  readonly runFork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  /** What each fiber runs. */
  readonly loop: Effect.Effect<void>
  /** A fiber died of a fault of the worker, and is replaced. */
  readonly onDeath: (cause: Cause.Cause<never>) => void
  /** Too many fibers died in a short time. */
  readonly onTooManyDeaths: (cause: Cause.Cause<never>) => void
}

// Each fiber may die once for the same reason, and a few more for others.
const mostDeaths = 10

export class WorkerFibers {
  private readonly needs: Needs
  private readonly fibers = new Set<Fiber.RuntimeFiber<void>>()
  private readonly deaths: Deaths
  private readonly concurrency: number
  private isReplacing = true
  private onEnd: (() => void) | undefined = undefined

  constructor(needs: Needs, concurrency: number) {
    this.needs = needs
    this.concurrency = concurrency
    this.deaths = new Deaths(needs.now, concurrency + mostDeaths)
  }

  start(): void {
    for (let i = 0; i < this.concurrency; i++) this.startOne()
  }

  get size(): number {
    return this.fibers.size
  }

  /** Replaces no more fibers. */
  stopReplacing(): void {
    this.isReplacing = false
  }

  /** Interrupts all fibers, with their handlers. */
  interrupt(): void {
    for (const fiber of this.fibers) interruptLater(fiber)
  }

  /** Waits until all fibers have ended. */
  readonly ended: Effect.Effect<void> = Effect.async<void>((resume) => {
    if (this.fibers.size === 0) return resume(Effect.void)
    this.onEnd = () => resume(Effect.void)
  })

  private startOne(): void {
    const fiber = this.needs.runFork(this.needs.loop)
    this.fibers.add(fiber)
    fiber.addObserver((exit) => {
      this.fibers.delete(fiber)
      if (Exit.isFailure(exit) && !Exit.isInterrupted(exit)) this.died(exit.cause)
      // A fiber that was interrupted together with its handler is replaced too.
      if (this.isReplacing) this.startOne()
      if (this.fibers.size === 0) this.onEnd?.()
    })
  }

  private died(cause: Cause.Cause<never>): void {
    if (this.deaths.areTooMany()) this.needs.onTooManyDeaths(cause)
    else this.needs.onDeath(cause)
  }
}
