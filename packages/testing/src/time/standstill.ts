/** What is done about a test that waits for time which nobody moves. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { hasEnded, waitsUninterruptibly } from "../internal/runtime.js"
import type { Activity } from "./activity.js"
import type { VirtualClock } from "./virtualClock.js"

// All in ms of real time. A runner waits for 5 seconds, by default.
const interval = 50
const untilClosing = 2 * interval
const untilWarning = 3000
const mostAsking = 500

// What a test closes is given this much virtual time, in ms.
const mostClosing = 24 * 3_600_000

/**
 * Looks, by real time, whether anything moves. If nothing does:
 *
 * - A fiber of the test that can neither go on nor be interrupted closes something, such as a layer or a scope within the test. It
 *   waits for time, which nobody else can move: so time passes until it has closed.
 * - Otherwise a warning says what the test waits for, as the runner would only say that the test timed out.
 */
export class Standstill {
  private readonly clock: VirtualClock
  private readonly activity: Activity
  private readonly fibers = new Set<Fiber.RuntimeFiber<unknown, unknown>>()
  private readonly timer = setInterval(() => this.look(), interval)
  private seen = -1
  /** For how long nothing has moved. */
  private still = 0
  private isAsking = false
  /** The virtual time that was spent on closing. */
  private spent = 0
  private hasWarned = false

  constructor(clock: VirtualClock, activity: Activity) {
    this.clock = clock
    this.activity = activity
    this.timer.unref()
  }

  /** The current fiber is one of the test. */
  readonly see: Effect.Effect<void> = Effect.sync(() => {
    Option.map(Fiber.getCurrentFiber(), (fiber) => this.fibers.add(fiber))
  })

  end(): void {
    clearInterval(this.timer)
  }

  private look(): void {
    if (this.isAsking) return
    const { activity, clock } = this
    const isStill = activity.count === this.seen && !clock.isMoving && clock.next < Number.POSITIVE_INFINITY
    this.seen = activity.count
    this.still = isStill ? this.still + interval : 0
    if (this.still === untilClosing && this.spent < mostClosing) {
      this.isAsking = true
      Effect.runFork(this.close)
    } else if (this.still >= untilWarning) this.warn()
  }

  /** Lets time pass while a fiber of the test closes something. */
  private get close(): Effect.Effect<unknown> {
    const { activity, clock } = this
    const anyCloses = Effect.suspend(() => {
      for (const fiber of this.fibers) if (hasEnded(fiber)) this.fibers.delete(fiber)
      return Effect.exists(this.fibers, (fiber) =>
        // That of a process that has crashed says nothing.
        Effect.timeoutTo(waitsUninterruptibly(fiber), {
          duration: mostAsking,
          onSuccess: (waits) => waits,
          onTimeout: () => false
        })
      )
    })
    const pass = Effect.suspend(() => {
      const before = clock.unsafeCurrentTimeMillis()
      return Effect.map(
        clock.until(
          () => false,
          () => clock.next
        ),
        () => {
          this.spent += clock.unsafeCurrentTimeMillis() - before
          this.still = 0
        }
      )
    })
    const goesOn = Effect.suspend(() =>
      clock.isMoving || clock.next === Number.POSITIVE_INFINITY || this.spent >= mostClosing
        ? Effect.succeed(false)
        : anyCloses
    )
    return Effect.ensuring(
      Effect.repeat(Effect.zipRight(pass, goesOn), { while: (goes) => goes }).pipe(Effect.whenEffect(goesOn)),
      Effect.sync(() => {
        // Asking a fiber counts as a move.
        this.seen = activity.count
        this.isAsking = false
      })
    )
  }

  private warn(): void {
    if (this.hasWarned) return
    this.hasWarned = true
    const { clock } = this
    const left = Duration.format(Duration.millis(clock.next - clock.unsafeCurrentTimeMillis()))
    process.emitWarning(
      `a test waits, and nobody moves its time: the next timer goes off in ${left}. DiscoTest.advance moves time, and DiscoTest.run lets ` +
        "it pass while an effect runs.",
      "DiscoTestWarning"
    )
  }
}
