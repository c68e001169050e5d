/** The hand-over of a value from a callback to the one fiber that waits for it. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { currentFiber, isInterrupted, resumeTogether, wait, withFiber } from "./runtime.js"

/**
 * A place for one value. Each value that is put in is either taken by the fiber that waits, or goes to `reclaim`: never both,
 * and never neither, whenever the fiber is interrupted.
 */
export class Slot<A, E> {
  private exit: Exit.Exit<A, E> | undefined = undefined
  private resume: (() => void) | undefined = undefined
  private isSettled = false
  private readonly reclaim: (value: A) => void

  constructor(reclaim: (value: A) => void) {
    this.reclaim = reclaim
  }

  /** Whether a value would still be taken. */
  get isOpen(): boolean {
    return !this.isSettled && this.exit === undefined
  }

  /** Puts in the outcome. A value that comes too late is reclaimed. */
  fill(exit: Exit.Exit<A, E>): void {
    if (this.isOpen) {
      this.exit = exit
      this.resume?.()
    } else if (Exit.isSuccess(exit)) {
      this.reclaim(exit.value)
    }
  }

  /** Notes that nobody waits any more. */
  abandon(): void {
    if (this.isSettled) return
    this.isSettled = true
    if (this.exit !== undefined && Exit.isSuccess(this.exit)) this.reclaim(this.exit.value)
  }

  /** Waits for the value. */
  get take(): Effect.Effect<A, E> {
    return Effect.uninterruptibleMask((restore) => this.takeWithin(restore))
  }

  // Only the wait can be interrupted, and it carries no value. The value is taken in the last step inside of the mask, after a
  // look at whether the fiber was interrupted while it woke: a fiber that has just resumed does not yield within these steps,
  // so that no interruption comes between the look and the caller's next step.
  /** Waits for the value inside a mask: only the effect that is given to `restore` can be interrupted. */
  takeWithin(restore: <B, E1, R>(effect: Effect.Effect<B, E1, R>) => Effect.Effect<B, E1, R>): Effect.Effect<A, E> {
    const filled = wait<void>((resume) => {
      if (this.exit !== undefined) return resume(Effect.void)
      const fiber = currentFiber()
      this.resume = () => resumeTogether(fiber, resume, Effect.void)
    })
    return Effect.matchCauseEffect(restore(filled), {
      onFailure: (cause) => {
        this.abandon()
        return Effect.failCause(cause)
      },
      onSuccess: () =>
        withFiber((fiber): Effect.Effect<A, E> => {
          if (isInterrupted(fiber)) {
            this.abandon()
            return Effect.interrupt
          }
          this.isSettled = true
          return this.exit as Exit.Exit<A, E>
        })
    })
  }
}
