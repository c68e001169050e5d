/** One run of the stream of a funnel: which of the jobs that it has pulled its consumer is done with. */
import { Time } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { type AnyFiber, interruptLater } from "../internal/runtime.js"
import { ForkTracking, Work } from "./forkTracking.js"
import type { Inbox } from "./inbox.js"
import type { LeasedJob } from "./leasedJob.js"

/** An element: a job, or a group of them. */
class Pulled extends Work {
  readonly jobs: Array<LeasedJob>
  constructor(first: LeasedJob) {
    super()
    this.jobs = [first]
  }
}

// Operators with a concurrency hand on what they are done with through a buffer of about their concurrency: a failure downstream
// is that of one of the jobs in it.
const aheadOfConcurrent = 16
// By then, what is downstream of such an operator is done with a job, whether others come or not.
const doubtMillis = 1000
// Operators that pull in fibers of their own hand on what they pulled in a few turns: so many jobs can be in their hands.
const inHands = 16

/** A job in doubt, and since when. */
interface Doubt {
  readonly leased: LeasedJob
  readonly since: number
}

/**
 * The consumer of a stream says two things only: that it wants the next element, and that it ends. So an element is
 * done when the next one is pulled, or `ahead` more jobs have been; where an operator works on elements in fibers of their own,
 * when those have ended, and more have, or a second has passed; and what is in doubt when the run ends goes back.
 */
export class StreamRun {
  private readonly inbox: Inbox
  private readonly ahead: number | undefined
  private readonly tracking = new ForkTracking()
  /** Pulled last. */
  private last: Pulled | undefined = undefined
  /** Nobody's any more: used again for the next job, as most are handled without a fiber. */
  private spare: Pulled | undefined = undefined
  /** Pulled past, while fibers still work on them. */
  private readonly inWork = new Set<Pulled>()
  /** Pulled past and finished, as far as can be seen, with too few behind them to be sure. */
  private readonly doubtful: Array<Doubt> = []
  private resolving: Fiber.RuntimeFiber<void> | undefined = undefined
  /** Acknowledged last, and perhaps not sent yet. */
  private readonly sure: Array<LeasedJob> = []
  private isConcurrent = false

  constructor(inbox: Inbox, ahead: number | undefined) {
    this.inbox = inbox
    this.ahead = ahead
    inbox.open()
  }

  /** Says that the consumer wants the next job: the one before is done, or in the hands of a fiber. Gives what to run first. */
  pullPast(fiber: AnyFiber): Effect.Effect<void> | undefined {
    this.passLast()
    return this.tracking.follow(fiber)
  }

  private passLast(): void {
    const pulled = this.last
    if (pulled === undefined) return
    this.last = undefined
    this.tracking.current = undefined
    if (pulled.running === 0) {
      for (const leased of pulled.jobs) this.finish(leased)
      if (!pulled.hasStarted && pulled.jobs.length === 1) this.spare = pulled
      return
    }
    this.isConcurrent = true
    this.inWork.add(pulled)
    pulled.onEnd = () => {
      // Fibers are interrupted when the run ends early: that settles it.
      if (pulled.wasCut) return
      this.inWork.delete(pulled)
      for (const leased of pulled.jobs) this.finish(leased)
    }
  }

  /** Begins an element with a job. */
  pulled(leased: LeasedJob): void {
    let pulled = this.spare
    if (pulled === undefined) {
      pulled = new Pulled(leased)
    } else {
      this.spare = undefined
      pulled.jobs[0] = leased
    }
    this.last = pulled
    this.tracking.current = pulled
  }

  /** Adds a job to the element that was begun last. */
  pulledToo(leased: LeasedJob): void {
    this.last?.jobs.push(leased)
  }

  /** Says that a job of the element that was begun last is nothing for the consumer. */
  drop(leased: LeasedJob): void {
    const jobs = this.last?.jobs
    const place = jobs?.indexOf(leased) ?? -1
    if (place >= 0) jobs?.splice(place, 1)
  }

  /** Says that what was pulled last is nothing for the consumer. */
  skip(): void {
    this.last = undefined
    this.tracking.current = undefined
  }

  /** Settles what the run holds. A consumer that pulls itself ends in its own fiber, one behind a buffer or a fork elsewhere. */
  end(exit: Exit.Exit<unknown, unknown>, fiber: AnyFiber): Effect.Effect<void> {
    return Effect.suspend(() => {
      const isDirect = this.tracking.isPuller(fiber)
      this.tracking.current = undefined
      const { last } = this
      this.last = undefined
      const isDone = Exit.isSuccess(exit)
      const back: Array<LeasedJob> = []
      if (this.resolving !== undefined) interruptLater(this.resolving)
      const doubtful = this.doubtful.splice(0).map(({ leased }) => leased)
      const passed = [...doubtful, ...(isDirect ? [...this.inWork].flatMap(({ jobs }) => jobs) : [])]
      if (isDone || (isDirect && this.ahead === undefined)) {
        for (const leased of passed) this.inbox.acknowledgeLater(leased)
      } else {
        back.push(...passed)
        if (!isDirect) back.push(...this.inbox.withdraw(this.sure))
      }
      for (const pulled of this.inWork) {
        pulled.onEnd = undefined
        back.push(...pulled.jobs)
      }
      this.inWork.clear()
      if (last !== undefined) {
        const isHandled = isDone && (isDirect || this.isFinished(last))
        for (const leased of last.jobs) {
          if (isHandled) this.inbox.acknowledgeLater(leased)
          else back.push(leased)
        }
      }
      const left = this.inbox.leave(back)
      return isDirect ? Effect.zipRight(this.tracking.release, left) : left
    })
  }

  // Where operators start fibers for jobs, one without is waiting for its turn.
  private isFinished(work: Work): boolean {
    return work.hasStarted ? work.running === 0 && !work.wasCut : !this.isConcurrent
  }

  private finish(leased: LeasedJob): void {
    const ahead = this.ahead ?? (this.isConcurrent ? aheadOfConcurrent : 0)
    if (ahead === 0 && this.doubtful.length === 0) {
      this.acknowledge(leased)
      return
    }
    this.doubtful.push({ leased, since: this.inbox.now() })
    // A job in doubt whose lease can be kept no longer is rather taken for done than done again.
    leased.watch(() => this.inbox.acknowledgeLater(leased))
    while (this.doubtful.length > ahead) this.resolve()
    if (this.ahead === undefined && this.resolving === undefined) this.resolveIn(doubtMillis)
  }

  /** Takes the job that has been in doubt for longest for done. */
  private resolve(): void {
    const doubt = this.doubtful.shift()
    if (doubt !== undefined) this.inbox.acknowledgeLater(doubt.leased)
  }

  private resolveIn(millis: number): void {
    const resolve = Effect.sync(() => {
      this.resolving = undefined
      const now = this.inbox.now()
      // A timer may be early by a moment.
      while (now - (this.doubtful[0]?.since ?? now) >= doubtMillis - 2) this.resolve()
      const [next] = this.doubtful
      if (next !== undefined) this.resolveIn(next.since + doubtMillis - now)
    })
    this.resolving = this.inbox.fork(Effect.zipRight(Time.sleep(millis), resolve))
  }

  private acknowledge(leased: LeasedJob): void {
    this.inbox.acknowledgeLater(leased)
    if (this.ahead !== undefined) return
    this.sure.push(leased)
    if (this.sure.length > inHands) this.sure.shift()
  }
}
