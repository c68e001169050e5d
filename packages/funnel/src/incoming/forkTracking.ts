/** Which fibers work on the elements of a stream: the fiber that pulls them, or fibers that it starts, one for each element. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type AnyFiber, ForkWatch } from "../internal/runtime.js"

/** The work on one element, as far as it goes on in fibers of its own. */
export class Work {
  /** Fibers that were started for the element and have not ended. */
  running = 0
  /** Whether such a fiber was interrupted or failed. */
  wasCut = false
  /** Whether there were such fibers. */
  hasStarted = false
  /** Called when the last of them ends. */
  onEnd: (() => void) | undefined = undefined
}

/**
 * How the work of a fiber ended. Operators race the work with a signal that another element failed, pass on the result, and succeed in
 * either case. So only the two racers tell: if the work is done, it has won the race, and the signal was interrupted.
 */
class Race {
  private readonly ends: Array<Exit.Exit<unknown, unknown>> = []
  private racers = 0

  follow(fiber: AnyFiber): void {
    if (this.racers === 3) return
    this.racers += 1
    fiber.addObserver((exit) => this.ends.push(exit))
  }

  // `mapEffect` races exits, and both are of failures; `flatMap` gives the signal once it has caught one, so that both are won.
  get isLost(): boolean {
    const [first, second] = this.ends.map(raced)
    if (first === undefined || this.racers !== 2) return false
    return isFailedExit(first) || (second !== undefined && isNothing(first) && isNothing(second))
  }
}

interface Raced {
  readonly value: unknown
}

/** The result of a racer; undefined if the exit is not that of a racer. */
const raced = (exit: Exit.Exit<unknown, unknown>): Raced | undefined =>
  Exit.isSuccess(exit) && Exit.isExit(exit.value) && Exit.isSuccess(exit.value)
    ? { value: exit.value.value }
    : undefined

const isFailedExit = ({ value }: Raced): boolean => Exit.isExit(value) && Exit.isFailure(value)
const isNothing = ({ value }: Raced): boolean => value === undefined

/**
 * Follows the fibers that a pulling fiber starts. Operators with a concurrency (`mapEffect`, `flatMap`) pull in a fiber of
 * their own, which starts one fiber for each element before it pulls the next. So an element is in work while that fiber runs.
 */
export class ForkTracking {
  /** The element that was pulled last. */
  current: Work | undefined = undefined
  private puller: AnyFiber | undefined = undefined
  private readonly watch = new ForkWatch((child, parent) => this.onFork(child, parent))
  private endWatch: Effect.Effect<void> = Effect.void
  private readonly races = new Map<AnyFiber, Race>()

  /** Notes which fiber pulls. Gives the effect that this fiber has to run first, if another fiber pulled before. */
  follow(fiber: AnyFiber): Effect.Effect<void> | undefined {
    if (this.puller === fiber) return undefined
    this.puller = fiber
    return Effect.map(this.watch.begin, (endWatch) => {
      this.endWatch = endWatch
    })
  }

  /** Whether this fiber pulled last. */
  isPuller(fiber: AnyFiber): boolean {
    return this.puller === fiber
  }

  /** Ends the tracking. To be run by the fiber that pulled last. */
  readonly release: Effect.Effect<void> = Effect.suspend(() => {
    const { endWatch } = this
    this.puller = undefined
    this.endWatch = Effect.void
    return endWatch
  })

  private onFork(fiber: AnyFiber, parent: AnyFiber): void {
    this.races.get(parent)?.follow(fiber)
    const work = this.current
    if (work === undefined || parent !== this.puller) return
    const race = new Race()
    this.races.set(fiber, race)
    work.running += 1
    work.hasStarted = true
    fiber.addObserver((exit) => {
      this.races.delete(fiber)
      work.running -= 1
      if (Exit.isFailure(exit) || race.isLost) work.wasCut = true
      if (work.running === 0) work.onEnd?.()
    })
  }
}
