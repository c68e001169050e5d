/** Restarts effects that die, and gives up those that die again and again. */
import { Time } from "@disco/core/internal"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { causeText } from "./failure.js"
import { quietly } from "./quietly.js"

const pauseMillis = 1000
// This many deaths, each soon after the one before, are no accident.
const mostDeaths = 5
const soonMillis = 60_000

/** Counts deaths, to tell accidents from a lasting fault. */
export class Deaths {
  private readonly now: () => number
  private readonly most: number
  private count = 0
  private last = Number.NEGATIVE_INFINITY

  constructor(now: () => number, most = mostDeaths) {
    this.now = now
    this.most = most
  }

  /** Counts one more death, and says whether there have been too many. */
  areTooMany(): boolean {
    const now = this.now()
    this.count = now - this.last < soonMillis ? this.count + 1 : 1
    this.last = now
    return this.count >= this.most
  }
}

/** Runs an effect, and restarts it a moment after it has died of a bug of this library. If it dies too often, it fails with that cause. */
export const keepAlive = <A, E>(name: string, effect: Effect.Effect<A, E>, now: () => number): Effect.Effect<A, E> => {
  const deaths = new Deaths(now)
  const attempt: Effect.Effect<A, E> = Effect.catchAllCause(effect, (cause) => {
    if (Cause.isFailure(cause) || Cause.isInterruptedOnly(cause) || deaths.areTooMany()) return Effect.failCause(cause)
    const log = Effect.logError(`${name} died, and is begun again: ${causeText(cause)}`)
    return Effect.zipRight(Effect.zipRight(quietly(log), Time.sleep(pauseMillis)), attempt)
  })
  return attempt
}
