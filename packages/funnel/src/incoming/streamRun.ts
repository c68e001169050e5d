/** One run of the stream of a funnel: which of the pulled jobs the consumer is done with. */
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

// Operators with a concurrency pass on their results through a buffer of about this size. A failure downstream is the failure of one of
// the jobs in that buffer.
const aheadOfConcurrent = 16
// After this time, the operators downstream are taken to be done with a job, even if no others come.
const doubtMillis = 1000
// Operators that pull in fibers of their own pass on a pulled job after a few turns: this many jobs can be on the way.
const inHands = 16

/** A job in doubt, and since when. */
interface Doubt {
  readonly leased: LeasedJob
  readonly since: number
}

/**
 * The consumer of a stream says two things only: that it wants the next element, and that it ends. So an element is done when the next
 * element is pulled, or `ahead` more jobs are. If an operator works on elements in fibers of their own, an element is done when its fibers
 * have ended and 16 more jobs are finished, or a second has passed. Jobs that are still in doubt when the run ends go back.
 */
export class StreamRun {
  private readonly inbox: Inbox
  private readonly ahead: number | undefined
  private readonly tracking = new ForkTracking()
  /** The element that was pulled last. */
  private last: Pulled | undefined = undefined
  /** An element that is no longer used. The next job takes it over, because most jobs are handled without a fiber. */
  private spare: Pulled | undefined = undefined
  /** Elements before the last one that fibers still work on. */
  private readonly inWork = new Set<Pulled>()
  /** Jobs that seem to be finished, with too few jobs behind them to be sure. */
  private readonly doubtful: Array<Doubt> = []
  private resolving: Fiber.RuntimeFiber<void> | undefined = undefined
  /** The jobs that were acknowledged last, perhaps not sent yet. */
  private readonly sure: Array<LeasedJob> = []
  private isConcurrent = false

  constructor(inbox: Inbox, ahead: number | undefined) {
    this.inbox = inbox
    this.ahead = ahead
    inbox.open()
  }

  /** Notes that the consumer wants the next job: the job before is done, or a fiber works on it. Gives the effect to run first. */
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

  /** Removes a job that the consumer does not get from the element that was begun last. */
  drop(leased: LeasedJob): void {
    const jobs = this.last?.jobs
    const place = jobs?.indexOf(leased) ?? -1
    if (place >= 0) jobs?.splice(place, 1)
  }

  /** Removes the element that was begun last: the consumer does not get it. */
  skip(): void {
    this.last = undefined
    this.tracking.current = undefined
  }

  /** Settles the jobs of the run. A consumer that pulls directly ends in the fiber that pulls, a consumer behind a buffer in another. */
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

  // If operators start fibers for jobs, a job without a fiber still waits for its turn.
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
    // If the lease of a job in doubt is lost, the job is taken for done rather than done again.
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
