/** Fibers that outlive the caller, and end with their owner. */
import { Notices } from "@disco/core/internal"
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Runtime from "effect/Runtime"
import { causeText } from "./failure.js"
import { forkInterruptible, interruptLater } from "./runtime.js"

export class BackgroundFibers {
  readonly notices: Notices
  private readonly runFork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  private readonly fibers = new Set<Fiber.RuntimeFiber<void>>()

  constructor(clock: Clock.Clock, runtime: Runtime.Runtime<never>) {
    this.runFork = forkInterruptible(runtime)
    this.notices = new Notices(clock, this.runFork)
  }

  /** Runs an effect until it ends, or all of these fibers do. One that dies is a bug of this library, and is logged. */
  fork(effect: Effect.Effect<void>): Fiber.RuntimeFiber<void> {
    const fiber = this.runFork(effect)
    this.fibers.add(fiber)
    fiber.addObserver((exit) => {
      this.fibers.delete(fiber)
      if (Exit.isSuccess(exit) || Cause.isInterruptedOnly(exit.cause)) return
      const { cause } = exit
      this.runFork(this.notices.say("died", (more) => Effect.logError(`a fiber died: ${causeText(cause, more)}`)))
    })
    return fiber
  }

  /** Interrupts all fibers, without waiting for their ends, and logs what was counted. */
  readonly end: Effect.Effect<void> = Effect.suspend(() => {
    for (const fiber of this.fibers) interruptLater(fiber)
    return this.notices.end
  })
}
