/** One fiber of a worker: it takes jobs, runs the handler on them, and sees to what becomes of them. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { Inbox } from "../incoming/inbox.js"
import type { LeasedJob } from "../incoming/leasedJob.js"
import {
  type AnyFiber,
  currentFiber,
  ForkWatch,
  interruptChildren,
  interruptLater,
  isInterrupted,
  type Restore
} from "../internal/runtime.js"
import type { CrewOptions, Work } from "./attempt.js"
import type { Fate } from "./failureHandling.js"
import { Setting } from "./fiberReset.js"
import type { Door } from "./idleFibers.js"
import type { Opened, Opening } from "./jobReader.js"
import { processing } from "./processSpan.js"
import type { Pace } from "./rateLimiter.js"
import type { Meters } from "./workerMetrics.js"

/** What the fibers of a worker share. */
export interface Shared<A, E, B> {
  readonly inbox: Inbox
  readonly options: CrewOptions<A, E, B>
  readonly isTraced: boolean
  readonly meters: Meters
  readonly door: Door
  readonly opening: Opening<A, E, B>
  readonly fate: Fate<A, E, B>
  readonly pace: Pace | undefined
}

// A batch is begun so long before a job of it may be delivered again.
const marginMillis = 100

/** Whether a handler or a hook has started fibers, so that the fiber need not be asked for its children after each job. */
interface Forks {
  hasForked: boolean
}

const isBeginnable = ({ held }: Work<unknown>): boolean => held.isOurs

/** Runs all effects at once, in fibers that are interrupted with this one. */
const allOf = (effects: ReadonlyArray<Effect.Effect<void>>): Effect.Effect<void> => {
  const [only] = effects
  if (only !== undefined && effects.length === 1) return only
  return Effect.flatMap(Effect.forEach(effects, Effect.fork), (fibers) =>
    Effect.flatMap(Effect.forEach(fibers, Fiber.await), (exits) => {
      const died = exits.find((exit) => Exit.isFailure(exit) && !Exit.isInterrupted(exit))
      return died ?? Effect.void
    })
  )
}

// A job that is ready, and that is read without waiting, is begun without an effect, and costs only those that the handler is
// run with; these are made once. What takes more, takes effects.
export class Lane<A, E, B> {
  private readonly shared: Shared<A, E, B>
  private readonly fiber: AnyFiber
  private readonly forks: Forks
  private readonly setting: Setting
  private readonly restore: Restore
  private readonly wait: Effect.Effect<void>
  private readonly handle: Effect.Effect<void>
  private works: ReadonlyArray<Work<A>> = []
  /** The job taken last, until it is read. */
  private taken: LeasedJob | undefined = undefined
  private beganAt = 0
  /** Permits to begin with jobs, where there is a rate. */
  private permits = 0
  private isOver = false

  private constructor(shared: Shared<A, E, B>, fiber: AnyFiber, forks: Forks, setting: Setting, restore: Restore) {
    this.shared = shared
    this.fiber = fiber
    this.forks = forks
    this.setting = setting
    this.restore = restore
    this.wait = Effect.matchCauseEffect(shared.door.wait(this, restore), {
      onFailure: () => {
        this.isOver = true
        return Effect.void
      },
      onSuccess: (held) => {
        if (held === undefined) return Effect.void
        if (!this.isInterrupted) return this.take(held)
        shared.fate.giveBack(held)
        return Effect.void
      }
    })
    this.handle = this.handling(this.handler)
  }

  /** Takes jobs until there will be no more, or the fiber is interrupted. */
  static run<A, E, B>(shared: Shared<A, E, B>): Effect.Effect<void> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(currentFiber, (fiber) => {
        const forks: Forks = { hasForked: false }
        const watch = new ForkWatch((_child, parent) => {
          if (parent === fiber) forks.hasForked = true
        })
        return Effect.flatMap(Effect.zipRight(watch.begin, Setting.make), (setting) => {
          const lane = new Lane(shared, fiber, forks, setting, restore)
          const turns = Effect.whileLoop({
            while: () => !lane.isOver && !lane.isInterrupted,
            body: () => lane.turn(),
            step: () => {}
          })
          return Effect.ensuring(
            turns,
            Effect.sync(() => lane.leave())
          )
        })
      })
    )
  }

  private get isInterrupted(): boolean {
    return isInterrupted(this.fiber)
  }

  private turn(): Effect.Effect<void> {
    const { pace } = this.shared
    if (pace !== undefined && this.permits === 0) {
      this.permits = pace.takeNow(1)
      if (this.permits === 0) return this.awaitPermit(pace)
    }
    const held = this.shared.door.takeNow(this)
    return held === undefined ? this.wait : this.take(held)
  }

  private awaitPermit(pace: Pace): Effect.Effect<void> {
    return Effect.matchCause(pace.take(this.restore), {
      onFailure: () => {},
      onSuccess: (permits) => {
        this.permits = permits
        if (permits === 0) this.isOver = true
      }
    })
  }

  private take(held: LeasedJob): Effect.Effect<void> {
    this.taken = held
    return this.shared.options.batch === 1 ? this.open(held) : this.gather(held)
  }

  /** Leaves its place, and what it has in hand where it died: that comes again after its retry time. */
  private leave(): void {
    const { door, inbox, meters, pace } = this.shared
    door.leave(this)
    if (this.works.length > 0) meters.end(this.works.length, inbox.now() - this.beganAt)
    if (pace !== undefined) this.givePermits(pace, this.permits)
    if (this.taken !== undefined) this.drop(this.taken)
    for (const { held } of this.works) this.drop(held)
  }

  // What goes back, or is moved, is on its way already.
  private drop(held: LeasedJob): void {
    if (held.isOurs && !held.isReady) this.shared.inbox.letGo(held)
  }

  private open(held: LeasedJob): Effect.Effect<void> {
    const opened = this.read(held)
    this.taken = undefined
    if (!Effect.isEffect(opened)) return this.begin([opened])
    return Effect.flatMap(this.orLetGo([held], opened), (work) =>
      work === undefined ? Effect.void : this.begin([work])
    )
  }

  // Where this fiber dies, the job is not to stay with it.
  private orLetGo<C>(jobs: ReadonlyArray<LeasedJob>, effect: Effect.Effect<C>): Effect.Effect<C> {
    return Effect.tapErrorCause(effect, () =>
      Effect.sync(() => {
        for (const held of jobs) this.drop(held)
      })
    )
  }

  private read(held: LeasedJob): Opened<A> {
    const opened = this.shared.opening.open(held, this.restore)
    // Neither the schema nor a hook is to find what the last job left.
    if (Effect.isEffect(opened)) this.setting.begin(this.shared.options.contextOf([]), held.job.id)
    return opened
  }

  /** Fills a batch: with what is ready, and what comes in the time that it waits; never with more than the rate allows. */
  private readonly gather = Effect.fnUntraced(function* (this: Lane<A, E, B>, first: LeasedJob) {
    const { fate, inbox, options, pace } = this.shared
    this.taken = undefined
    if (pace !== undefined) this.permits += pace.takeNow(options.batch - this.permits)
    const size = pace === undefined ? options.batch : this.permits
    let dueAt = inbox.now() + options.withinMillis
    const taken = [first]
    while (taken.length < size) {
      const ready = inbox.takeNow()
      if (ready !== undefined) {
        taken.push(ready)
        continue
      }
      // Nor longer than a job that cannot be kept any more is left to us.
      for (const held of taken) if (!held.isPostponable) dueAt = Math.min(dueAt, held.expiresAt - marginMillis)
      const left = dueAt - inbox.now()
      if (left <= 0) break
      const came = yield* Effect.exit(this.restore(inbox.waitFor(left, size - taken.length)))
      if (Exit.isFailure(came)) break
      taken.push(came.value)
    }
    const works: Array<Work<A>> = []
    for (const held of taken) {
      // Who waited for more may be told to end meanwhile.
      if (this.isInterrupted || !inbox.isHandingOut) {
        fate.giveBack(held)
        continue
      }
      if (held.lost !== undefined) continue
      const reading = Effect.suspend(() => {
        const opened = this.read(held)
        return Effect.isEffect(opened) ? opened : Effect.succeed(opened)
      })
      const work = yield* this.orLetGo(taken, reading)
      if (work !== undefined) works.push(work)
    }
    if (works.length > 0) yield* this.begin(works)
    else if (pace !== undefined) this.givePermits(pace, this.permits - 1)
  })

  /** Runs the handler. */
  private begin(works: ReadonlyArray<Work<A>>): Effect.Effect<void> {
    const { fate, inbox, isTraced, meters, options } = this.shared
    // Some may have been lost since they came.
    if (!works.every(isBeginnable)) return this.begin(works.filter(isBeginnable))
    const now = inbox.now()
    if (works.some(({ held }) => held.isDoubtful(now))) return this.check(works, now)
    const [first] = works
    if (this.isInterrupted || first === undefined) {
      for (const { held } of works) fate.giveBack(held)
      return Effect.void
    }
    this.works = works
    this.beganAt = now
    meters.begin(works.length)
    for (const { held } of works) held.hasBegun = true
    if (options.interruptsLost) for (const { held } of works) held.watch(this.onLost)
    this.setting.begin(options.contextOf(works), works.length > 1 ? undefined : first.inHand.job.id)
    if (!isTraced) return this.handle
    const isLinked = options.linksTraces || first.inHand.attempt > 1 || works.length > 1
    return this.handling(processing(this.handler, first.inHand.job, first.trace, isLinked))
  }

  // This process was held up: whether the jobs are still ours is to be found out before they are begun. Those whose node does not
  // say so in a moment come again.
  private check(works: ReadonlyArray<Work<A>>, now: number): Effect.Effect<void> {
    const { inbox } = this.shared
    const checks = Effect.forEach(works, ({ held }) => (held.isDoubtful(now) ? inbox.confirm(held) : Effect.void))
    const jobs = works.map(({ held }) => held)
    return Effect.flatMap(this.orLetGo(jobs, checks), () => this.begin(works.filter(isBeginnable)))
  }

  private readonly handler: Effect.Effect<B, E> = Effect.suspend(() => {
    const { options, pace } = this.shared
    if (pace !== undefined) {
      pace.use(this.works.length)
      this.givePermits(pace, this.permits - this.works.length)
      this.permits = 0
    }
    return options.handle(this.works)
  })

  private givePermits(pace: Pace, count: number): void {
    pace.giveBack(count)
    this.permits -= count
  }

  // The fiber is given up with its handler: one that was interrupted takes no more.
  private readonly onLost = (): void => {
    if (this.works.every(({ held }) => held.lost !== undefined)) interruptLater(this.fiber)
  }

  private handling(handler: Effect.Effect<B, E>): Effect.Effect<void> {
    return Effect.matchCauseEffect(this.restore(handler), {
      onFailure: (cause) => this.end(Exit.failCause(cause)),
      onSuccess: (given) => this.end(Exit.succeed(given))
    })
  }

  /** Sees to what the handler leaves. */
  private end(exit: Exit.Exit<B, E>): Effect.Effect<void> {
    const { inbox, meters, options } = this.shared
    const { works } = this
    this.works = []
    meters.end(works.length, inbox.now() - this.beganAt)
    const isCut = this.isInterrupted
    let more: Array<Effect.Effect<void>> | undefined
    let place = 0
    for (const work of works) {
      if (options.interruptsLost) work.held.unwatch(this.onLost)
      const outcome = Exit.isSuccess(exit) ? options.outcome(exit.value, place++) : exit
      const settling = this.settle(work, outcome, isCut)
      if (settling === undefined) continue
      if (more === undefined) more = [settling]
      else more.push(settling)
    }
    if (more !== undefined) return Effect.zipRight(allOf(more), this.endChildren)
    return this.forks.hasForked ? this.endChildren : Effect.void
  }

  /** Settles a job, or gives what that takes. */
  private settle(work: Work<A>, outcome: Exit.Exit<unknown, E>, isCut: boolean): Effect.Effect<void> | undefined {
    const { fate, inbox, meters } = this.shared
    const { held } = work
    if (Exit.isSuccess(outcome)) {
      meters.count("done")
      fate.records.forget(held.job.id)
      inbox.acknowledgeLater(held)
    } else if (held.state !== "held") {
      // Settled by the handler itself.
      meters.count("done")
    } else if (held.lost !== undefined) {
      return fate.lost(held)
    } else if (isCut) {
      fate.giveBack(held)
    } else {
      return this.orLetGo([held], fate.again(work, outcome.cause, this.restore))
    }
    return undefined
  }

  // What a handler or a hook forks is no other job's.
  private readonly endChildren: Effect.Effect<void> = Effect.suspend(() => {
    if (!this.forks.hasForked) return Effect.void
    this.forks.hasForked = false
    return interruptChildren(this.fiber)
  })
}
