/** Keeps effects running that die: by accident, or again and again. */
import { Time } from "@disco/core/internal"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { causeText } from "./failure.js"
import { quietly } from "./quietly.js"

const pauseMillis = 1000
// So many deaths, each of them soon after the one before, are no accident.
const mostDeaths = 5
const soonMillis = 60_000

/** Counts deaths, and tells accidents from what happens again and again. */
export class Deaths {
  private readonly now: () => number
  private readonly most: number
  private count = 0
  private last = Number.NEGATIVE_INFINITY

  constructor(now: () => number, most = mostDeaths) {
    this.now = now
    this.most = most
  }

  /** Counts one more, and says whether there have been too many. */
  areTooMany(): boolean {
    const now = this.now()
    this.count = now - this.last < soonMillis ? this.count + 1 : 1
    this.last = now
    return this.count >= this.most
  }
}

/** Runs what is not to die: begun again after a moment when it does, for a fault of ours, and given up when it dies again and again. */
export const keepAlive = <A, E>(name: string, effect: Effect.Effect<A, E>, now: () => number): Effect.Effect<A, E> => {
  const deaths = new Deaths(now)
  const attempt: Effect.Effect<A, E> = Effect.catchAllCause(effect, (cause) => {
    if (Cause.isFailure(cause) || Cause.isInterruptedOnly(cause) || deaths.areTooMany()) return Effect.failCause(cause)
    const log = Effect.logError(`${name} died, and is begun again: ${causeText(cause)}`)
    return Effect.zipRight(Effect.zipRight(quietly(log), Time.sleep(pauseMillis)), attempt)
  })
  return attempt
}
