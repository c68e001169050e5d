/** A clock on which time passes when a test says so, from one timer to the next. */
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as TestClock from "effect/TestClock"
import type { Activity } from "./activity.js"

interface Timer {
  readonly at: number
  readonly run: () => void
}

// A test that closes gives what it closes this much time, in ms.
const mostClosing = 24 * 3_600_000

const no = () => false

const realMilli = Effect.async<void>((resume) => {
  const timer = setTimeout(() => resume(Effect.void), 1)
  return Effect.sync(() => clearTimeout(timer))
})

/**
 * It has all that a `TestClock` has, and is found as one: `TestClock.adjust` does here what `DiscoTest.advance` does.
 */
export class VirtualClock implements TestClock.TestClock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  private readonly activity: Activity
  /** In ms since 1970. */
  private now: number
  /** By time, and those of one time in the order in which they came. */
  private readonly timers: Array<Timer> = []
  /** Time is moved by one fiber after the other. */
  private readonly turn = Effect.unsafeMakeSemaphore(1)

  /** Whether somebody moves time, or waits until nothing moves. */
  isMoving = false

  constructor(activity: Activity, start: number) {
    this.activity = activity
    this.now = start
  }

  unsafeCurrentTimeMillis(): number {
    return this.now
  }

  unsafeCurrentTimeNanos(): bigint {
    return BigInt(Math.floor(this.now * 1e6))
  }

  readonly currentTimeMillis = Effect.sync(() => this.unsafeCurrentTimeMillis())
  readonly currentTimeNanos = Effect.sync(() => this.unsafeCurrentTimeNanos())

  sleep(duration: Duration.DurationInput): Effect.Effect<void> {
    return Effect.suspend(() => {
      const at = this.now + Duration.toMillis(duration)
      if (!(at > this.now)) return Effect.void
      return Effect.async<void>((resume) => {
        const cancel = this.at(at, () => resume(Effect.void))
        return Effect.sync(cancel)
      })
    })
  }

  get sleeps(): Effect.Effect<Chunk.Chunk<number>> {
    return Effect.sync(() => Chunk.fromIterable(this.timers.map(({ at }) => at)))
  }

  get save(): Effect.Effect<Effect.Effect<void>> {
    return Effect.sync(() => {
      const saved = this.now
      return Effect.sync(() => {
        this.now = saved
      })
    })
  }

  adjust(duration: Duration.DurationInput): Effect.Effect<void> {
    return this.until(no, () => this.now + Duration.toMillis(duration))
  }

  adjustWith(duration: Duration.DurationInput): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> {
    return (effect) => Effect.zipLeft(effect, this.adjust(duration), { concurrent: true })
  }

  setTime(time: number): Effect.Effect<void> {
    return this.until(no, () => time)
  }

  /** Waits until nothing moves. No time passes. */
  get idle(): Effect.Effect<void> {
    return this.until(no, () => this.now)
  }

  /** The time at which the next timer goes off; `Infinity` if there is none. */
  get next(): number {
    return this.timers[0]?.at ?? Number.POSITIVE_INFINITY
  }

  /** Calls `run` at a time. The result withdraws it. */
  at(time: number, run: () => void): () => void {
    const timer = { at: time, run }
    this.activity.moved()
    if (time === Number.POSITIVE_INFINITY) return () => {}
    let low = 0
    let high = this.timers.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.timers[middle] as Timer).at <= time) low = middle + 1
      else high = middle
    }
    this.timers.splice(low, 0, timer)
    return () => {
      const place = this.timers.indexOf(timer)
      if (place >= 0) this.timers.splice(place, 1)
    }
  }

  /** Moves time on to the next timer, however far away it is. Of timers at one time, the first one has its effect before the others. */
  private step(): void {
    const timer = this.timers.shift()
    if (timer === undefined) return
    this.now = Math.max(this.now, timer.at)
    this.activity.timePassed()
    timer.run()
  }

  /** Waits until nothing moves and `isDone`, and lets time pass for that up to `end`. */
  until(isDone: () => boolean, end: () => number): Effect.Effect<void> {
    return Effect.suspend(() => {
      let last: number | undefined
      return this.moving(() => {
        last ??= end()
        if (isDone()) return "done"
        if (this.next <= last) return "step"
        if (this.now === last) return "done"
        this.now = last
        this.activity.timePassed()
        return "look"
      })
    })
  }

  /** Runs an effect to its end. Time passes meanwhile, from one timer to the next, whenever nothing moves. */
  run<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      let hasEnded = false
      const ending = Effect.ensuring(
        effect,
        Effect.sync(() => {
          hasEnded = true
        })
      )
      return Effect.flatMap(Effect.fork(ending), (fiber) =>
        Effect.zipRight(
          this.passWhile(() => !hasEnded),
          Fiber.join(fiber)
        )
      )
    })
  }

  /** Runs what ends a test. What does not end within a day of virtual time is left alone. */
  close(effect: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const end = this.now + mostClosing
      let hasEnded = false
      const ending = Effect.ensuring(
        effect,
        Effect.sync(() => {
          hasEnded = true
        })
      )
      return Effect.zipRight(
        Effect.forkDaemon(ending),
        this.passWhile(() => !hasEnded && this.now <= end)
      )
    })
  }

  /** Goes from one timer to the next. In between, others may move time too. */
  private passWhile(goesOn: () => boolean): Effect.Effect<void> {
    let isFirst = true
    const step = this.moving(() => {
      if (!isFirst || !goesOn() || this.next === Number.POSITIVE_INFINITY) return "done"
      isFirst = false
      return "step"
    })
    return Effect.iterate(undefined, {
      while: goesOn,
      body: () => {
        isFirst = true
        // What needs no timer of this clock waits for something outside of the test, a file or a socket; or for its turn.
        return Effect.flatMap(step, () => (isFirst && goesOn() ? realMilli : Effect.void))
      }
    })
  }

  /** Lets what moves come to rest, asks what next, and so on. */
  private moving(decide: () => "step" | "look" | "done"): Effect.Effect<void> {
    const moving = Effect.async<void>((resume) => {
      let cancel = () => {}
      this.isMoving = true
      const look = (): void => {
        cancel = this.activity.whenStill(
          () => {
            const next = decide()
            if (next === "done") return resume(Effect.void)
            if (next === "step") this.step()
            look()
          },
          (error) => resume(Effect.die(error))
        )
      }
      look()
      return Effect.sync(() => cancel())
    })
    const ended = Effect.sync(() => {
      this.isMoving = false
    })
    return this.turn.withPermits(1)(Effect.ensuring(moving, ended))
  }
}
