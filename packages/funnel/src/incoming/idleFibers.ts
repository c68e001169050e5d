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
 * A fiber is known here by its loop: an object that no other fiber has.
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
  takeNow(loop: object): LeasedJob | undefined {
    const leased = this.inbox.takeNow()
    if (leased !== undefined) this.leave(loop)
    return leased
  }

  /**
   * Waits until a job is ready. Gives the job, or undefined if the fiber was called to look for one. It fails as the inbox does.
   * For an uninterruptible caller, so that no job is lost on its way to it: only the wait is interruptible.
   */
  wait(loop: object, restore: Restore): Effect.Effect<LeasedJob | undefined, Option.Option<GetJobsError>> {
    const wait = Effect.matchCauseEffect(restore(this.inbox.wait), {
      onFailure: (cause) => {
        if (!Cause.isInterruptedOnly(cause)) this.end()
        return Effect.failCause(cause)
      },
      onSuccess: (leased) => {
        this.leave(loop)
        return Effect.succeed(leased)
      }
    })
    const rest = restore(this.rest(loop))
    return Effect.suspend((): Effect.Effect<LeasedJob | undefined, Option.Option<GetJobsError>> => {
      if (this.isAttended && this.waiting !== loop) return rest
      this.waiting = loop
      return wait
    })
  }

  /** A fiber leaves, to a job or for good: if it was the one that waits, another takes its place. */
  leave(loop: object): void {
    if (this.waiting !== loop) return
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

  private rest(loop: object): Effect.Effect<undefined> {
    return Effect.async<undefined>((resume) => {
      const wake = () => resume(Effect.succeed(undefined))
      // The fiber that waited may have left since.
      if (!this.isAttended) return wake()
      this.resting.set(loop, wake)
      this.inbox.rest()
      return Effect.sync(() => this.rise(loop))
    })
  }

  private rise(loop: object): void {
    if (this.resting.delete(loop)) this.inbox.rise()
  }

  // Wakes all fibers, for each to find that no more jobs come.
  private end(): void {
    this.isOver = true
    for (const [loop, wake] of [...this.resting]) {
      this.rise(loop)
      wake()
    }
  }
}
