/** Fibers that wait for jobs. */
import type { GetJobsError } from "@disco/core"
import { Slot, Time } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { interruptLater } from "../internal/runtime.js"
import type { LeasedJob } from "./leasedJob.js"

/** What a taker fails with when there will be no more jobs: the error of the fetches, or nothing if the inbox has closed. */
export type NoMoreJobs = Option.Option<GetJobsError>

/** A fiber that waits. */
type Taker = Slot<LeasedJob, NoMoreJobs>

export interface TakersNeeds {
  /** A job that is ready. */
  readonly takeNow: () => LeasedJob | undefined
  /** Takes back a job that a taker was given and did not take. */
  readonly reclaim: (leased: LeasedJob) => void
  /** Called when one more fiber waits. */
  readonly onWaiting: () => void
  /** Runs an effect that outlives the caller. */
  readonly fork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
}

export class Takers {
  private readonly needs: TakersNeeds
  /** In the order of arrival. */
  private readonly takers = new Set<Taker>()
  /** Takers that have jobs already, and fill up a group: they go before the others. */
  private readonly fillers = new Set<Taker>()
  /** How many jobs the fillers would take beyond the first of each. */
  private missing = 0
  private resting = 0
  private ended: Exit.Exit<never, NoMoreJobs> | undefined = undefined

  constructor(needs: TakersNeeds) {
    this.needs = needs
  }

  /** Waits for the next job, if none is ready. */
  readonly wait: Effect.Effect<LeasedJob, NoMoreJobs> = Effect.suspend(() => {
    const taker = this.line(this.takers)
    return Effect.onExit(taker.take, () => Effect.sync(() => this.takers.delete(taker)))
  })

  /** Waits for one more job of a group that is begun, of which `missing` may still come. Fails with nothing after the time given. */
  waitFor(millis: number, missing: number): Effect.Effect<LeasedJob, NoMoreJobs> {
    return Effect.suspend(() => {
      this.missing += missing - 1
      const filler = this.line(this.fillers)
      const late = Effect.sync(() => filler.fill(Exit.fail(Option.none())))
      const timer = this.needs.fork(Effect.zipRight(Time.sleep(millis), late))
      return Effect.onExit(filler.take, () =>
        Effect.sync(() => {
          this.missing -= missing - 1
          this.fillers.delete(filler)
          interruptLater(timer)
        })
      )
    })
  }

  private line(takers: Set<Taker>): Taker {
    const taker: Taker = new Slot((leased) => this.needs.reclaim(leased))
    if (this.ended === undefined) this.seat(taker, takers)
    else taker.fill(this.ended)
    this.needs.onWaiting()
    return taker
  }

  // A job may have come since the taker found none.
  private seat(taker: Taker, takers: Set<Taker>): void {
    const ready = this.needs.takeNow()
    if (ready === undefined) takers.add(taker)
    else taker.fill(Exit.succeed(ready))
  }

  /** Counts one more fiber that would take a job and lets another fiber wait in its place. */
  rest(): void {
    this.resting += 1
    this.needs.onWaiting()
  }

  /** Counts one such fiber less. */
  rise(): void {
    this.resting -= 1
  }

  /** How many jobs would be taken at once. */
  get wanted(): number {
    return this.takers.size + this.fillers.size + this.missing + this.resting
  }

  /** Whether a fiber waits for the next job, and not for more of a group. */
  get areWaiting(): boolean {
    return this.takers.size > 0
  }

  /** Removes and gives the taker whose turn is next. */
  next(): Taker | undefined {
    const takers = this.fillers.size > 0 ? this.fillers : this.takers
    const [taker] = takers
    if (taker !== undefined) takers.delete(taker)
    return taker
  }

  /** Hands out the jobs that are ready. */
  serve(): void {
    for (const takers of [this.fillers, this.takers]) {
      for (const taker of takers) {
        const leased = this.needs.takeNow()
        if (leased === undefined) return
        takers.delete(taker)
        taker.fill(Exit.succeed(leased))
      }
    }
  }

  /** Lets groups that are begun wait no longer. */
  endFillers(): void {
    for (const filler of this.fillers) filler.fill(Exit.fail(Option.none()))
  }

  /** Says that there will be no more jobs, and why. The reason given first stays. */
  end(exit: Exit.Exit<never, NoMoreJobs>): void {
    this.ended ??= exit
    for (const takers of [this.fillers, this.takers]) {
      for (const taker of takers) taker.fill(exit)
      takers.clear()
    }
  }
}
