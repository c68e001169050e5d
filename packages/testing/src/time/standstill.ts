/** Tells whoever writes a test that waits for time which nobody moves: the runner would only say that the test timed out. */
import * as Duration from "effect/Duration"
import type { Activity } from "./activity.js"
import type { VirtualClock } from "./virtualClock.js"

// A runner waits for 5 seconds, by default.
const patience = 3

/** Looks once a second. The result ends that. */
export const watchForStandstill = (clock: VirtualClock, activity: Activity): (() => void) => {
  let seen = -1
  let seconds = 0
  const look = (): void => {
    const isStill = activity.count === seen && !clock.isMoving && clock.next < Number.POSITIVE_INFINITY
    seen = activity.count
    seconds = isStill ? seconds + 1 : 0
    if (seconds < patience) return
    clearInterval(timer)
    const left = Duration.format(Duration.millis(clock.next - clock.unsafeCurrentTimeMillis()))
    process.emitWarning(
      `a test waits, and nobody moves its time: the next timer goes off in ${left}. DiscoTest.advance moves time, DiscoTest.run lets ` +
        "it pass while an effect runs (a scope that closes, for example).",
      "DiscoTestWarning"
    )
  }
  const timer = setInterval(look, 1000)
  timer.unref()
  return () => clearInterval(timer)
}
