/** Where the fibers of a worker are that have no job: one of them waits at the inbox, the others rest until it calls the next. */
import type { GetJobsError } from "@disco/core"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Inbox } from "../incoming/inbox.js"
import type { LeasedJob } from "../incoming/leasedJob.js"
import type { Restore } from "../internal/runtime.js"

/**
 * Jobs come many at a time. Were each of them to wake a fiber, that would cost more than a short handler does; so they wake
 * one, which calls the next before it begins, and which takes what is left there when that one comes to nothing.
 */
export class Door {
  private readonly inbox: Inbox
  private keeper: object | undefined = undefined
  private readonly resting = new Map<object, () => void>()
  private isShut = false

  constructor(inbox: Inbox) {
    this.inbox = inbox
  }

  /** A job that is ready. */
  takeNow(guest: object): LeasedJob | undefined {
    const held = this.inbox.takeNow()
    if (held !== undefined) this.leave(guest)
    return held
  }

  /**
   * Waits, where no job is ready: gives one, or nothing where it is worth looking again. It fails as the inbox does. To be run
   * where nothing can be interrupted but what is restored, or the job that it gives might be lost.
   */
  wait(guest: object, restore: Restore): Effect.Effect<LeasedJob | undefined, Option.Option<GetJobsError>> {
    const attend = Effect.matchCauseEffect(restore(this.inbox.wait), {
      onFailure: (cause) => {
        if (!Cause.isInterruptedOnly(cause)) this.shut()
        return Effect.failCause(cause)
      },
      onSuccess: (held) => {
        this.leave(guest)
        return Effect.succeed(held)
      }
    })
    const rest = restore(this.rest(guest))
    return Effect.suspend((): Effect.Effect<LeasedJob | undefined, Option.Option<GetJobsError>> => {
      if (this.isAttended && this.keeper !== guest) return rest
      this.keeper = guest
      return attend
    })
  }

  /** Says that somebody goes away, to a job or for good: another one takes the place. */
  leave(guest: object): void {
    if (this.keeper !== guest) return
    this.keeper = undefined
    const [next] = this.resting
    if (next === undefined) return
    const [called, wake] = next
    this.keeper = called
    this.rise(called)
    wake()
  }

  private get isAttended(): boolean {
    return this.keeper !== undefined && !this.isShut
  }

  private rest(guest: object): Effect.Effect<undefined> {
    return Effect.async<undefined>((resume) => {
      const wake = () => resume(Effect.succeed(undefined))
      // Whoever was there may have left since.
      if (!this.isAttended) return wake()
      this.resting.set(guest, wake)
      this.inbox.rest()
      return Effect.sync(() => this.rise(guest))
    })
  }

  private rise(guest: object): void {
    if (this.resting.delete(guest)) this.inbox.rise()
  }

  // There will be no more jobs: all are to find out.
  private shut(): void {
    this.isShut = true
    for (const [guest, wake] of [...this.resting]) {
      this.rise(guest)
      wake()
    }
  }
}
