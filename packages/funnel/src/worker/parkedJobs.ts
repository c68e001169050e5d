/** Jobs that wait in this process for their next attempt, under their leases. */
import { Time } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { LeasedJob } from "../incoming/leasedJob.js"
import { interruptLater } from "../internal/runtime.js"
import type { WorkerDefinition } from "./definition.js"
import type { Letter } from "./letter.js"

interface Parked {
  readonly letter: Letter | undefined
  readonly dueAt: number
  readonly timer: Fiber.RuntimeFiber<void>
}

/** The inbox of the jobs, as far as those that wait need it. */
interface Inbox {
  readonly now: () => number
  readonly fork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  readonly isHandingOut: boolean
  readonly check: (leased: LeasedJob) => Effect.Effect<void>
  readonly park: (most: number) => boolean
  readonly unpark: (leased: LeasedJob) => void
  readonly leavePark: () => void
}

interface Needs {
  readonly inbox: Inbox
  /** Whether the worker closes: then no more jobs wait here. */
  readonly isClosing: () => boolean
  /** Lets a job wait elsewhere for the rest of its time. */
  readonly moveOn: (leased: LeasedJob, letter: Letter | undefined, delayMillis: number) => void
}

type Limits = Pick<WorkerDefinition<never, never, never>, "parkMillis" | "mostParked">

export class ParkedJobs {
  private readonly needs: Needs
  private readonly limits: Limits
  private readonly parked = new Map<LeasedJob, Parked>()

  constructor(needs: Needs, limits: Limits) {
    this.needs = needs
    this.limits = limits
  }

  /** Lets a job wait here, if it may, and says whether it does. The inbox hands it out after the delay. */
  park(leased: LeasedJob, letter: Letter | undefined, delayMillis: number): boolean {
    const { inbox, isClosing } = this.needs
    const { mostParked, parkMillis } = this.limits
    if (delayMillis > parkMillis || isClosing() || !inbox.isHandingOut) return false
    if (!this.canWait(leased, delayMillis) || !inbox.park(mostParked)) return false
    const unpark = Effect.sync(() => {
      this.parked.delete(leased)
      leased.onFixed = undefined
      inbox.unpark(leased)
    })
    const check = Effect.suspend(() => inbox.check(leased))
    const timer = inbox.fork(Effect.zipRight(Time.sleep(delayMillis), Effect.zipRight(check, unpark)))
    const dueAt = inbox.now() + delayMillis
    this.parked.set(leased, { letter, dueAt, timer })
    leased.onFixed = () => {
      if (!this.canWait(leased, Math.max(0, dueAt - inbox.now()))) this.moveOn(leased)
    }
    return true
  }

  /** Lets all jobs wait elsewhere. */
  clear(): void {
    for (const leased of [...this.parked.keys()]) this.moveOn(leased)
  }

  // A job whose next delivery can no longer be postponed waits here only if its wait is shorter.
  private canWait(leased: LeasedJob, delayMillis: number): boolean {
    return leased.isPostponable || this.needs.inbox.now() + delayMillis < leased.expiresAt
  }

  private moveOn(leased: LeasedJob): void {
    const { inbox, moveOn } = this.needs
    const parked = this.parked.get(leased)
    if (parked === undefined) return
    this.parked.delete(leased)
    interruptLater(parked.timer)
    leased.onFixed = undefined
    inbox.leavePark()
    if (leased.isOurs) moveOn(leased, parked.letter, Math.max(0, parked.dueAt - inbox.now()))
  }
}
