/** Fibers that take jobs and have none: one of them waits for the next job, the others rest until it calls one of them. */
import type { GetJobsError } from "@disco/core"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Restore } from "../internal/runtime.js"
import type { LeasedJob } from "./leasedJob.js"

/** The inbox of the jobs, as far as idle fibers need it. */
interface Inbox {
  readonly takeNow: () => LeasedJob | undefined
  readonly wait: Effect.Effect<LeasedJob, Option.Option<GetJobsError>>
  /** Counts one more fiber that would take a job. */
  readonly rest: () => void
  /** Counts one fiber less. */
  readonly rise: () => void
}

/**
 * Jobs come many at a time. To wake one fiber for each would cost more than a short handler does. So the jobs wake one fiber, which
 * calls the next fiber before it begins; if the first takes all the jobs, the next one waits in its place.
 *
 * A fiber is known here by any object of its own, the `guest`.
 */
export class IdleFibers {
  private readonly inbox: Inbox
  /** The fiber that waits for the next job. */
  private waiting: object | undefined = undefined
  private readonly resting = new Map<object, () => void>()
  /** Whether no more jobs will come. */
  private isOver = false

  constructor(inbox: Inbox) {
    this.inbox = inbox
  }

  /** Takes a job that is ready. */
  takeNow(guest: object): LeasedJob | undefined {
    const held = this.inbox.takeNow()
    if (held !== undefined) this.leave(guest)
    return held
  }

  /**
   * Waits until a job is ready. Gives the job, or undefined if the fiber was called to look for one. It fails as the inbox does.
   * For an uninterruptible caller, so that no job is lost on its way to it: only the wait is interruptible.
   */
  wait(guest: object, restore: Restore): Effect.Effect<LeasedJob | undefined, Option.Option<GetJobsError>> {
    const wait = Effect.matchCauseEffect(restore(this.inbox.wait), {
      onFailure: (cause) => {
        if (!Cause.isInterruptedOnly(cause)) this.end()
        return Effect.failCause(cause)
      },
      onSuccess: (held) => {
        this.leave(guest)
        return Effect.succeed(held)
      }
    })
    const rest = restore(this.rest(guest))
    return Effect.suspend((): Effect.Effect<LeasedJob | undefined, Option.Option<GetJobsError>> => {
      if (this.isAttended && this.waiting !== guest) return rest
      this.waiting = guest
      return wait
    })
  }

  /** A fiber leaves, to a job or for good: if it was the one that waits, another takes its place. */
  leave(guest: object): void {
    if (this.waiting !== guest) return
    this.waiting = undefined
    const [next] = this.resting
    if (next === undefined) return
    const [called, wake] = next
    this.waiting = called
    this.rise(called)
    wake()
  }

  private get isAttended(): boolean {
    return this.waiting !== undefined && !this.isOver
  }

  private rest(guest: object): Effect.Effect<undefined> {
    return Effect.async<undefined>((resume) => {
      const wake = () => resume(Effect.succeed(undefined))
      // The fiber that waited may have left since.
      if (!this.isAttended) return wake()
      this.resting.set(guest, wake)
      this.inbox.rest()
      return Effect.sync(() => this.rise(guest))
    })
  }

  private rise(guest: object): void {
    if (this.resting.delete(guest)) this.inbox.rise()
  }

  // Wakes all fibers, for each to find that no more jobs come.
  private end(): void {
    this.isOver = true
    for (const [guest, wake] of [...this.resting]) {
      this.rise(guest)
      wake()
    }
  }
}
