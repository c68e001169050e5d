import { Time } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import type { Cluster } from "./cluster.js"

/**
 * Runs a cluster: sleeps by the `Clock` until something is due, or until something earlier becomes due.
 */
export const runner = (cluster: Cluster): Effect.Effect<never> => {
  let isWoken = false
  let resume: (() => void) | undefined
  cluster.onEarlier = () => {
    isWoken = true
    cluster.awaited = Number.NEGATIVE_INFINITY
    resume?.()
  }
  const woken = Effect.async<void>((done) => {
    resume = () => done(Effect.void)
    if (isWoken) resume()
    return Effect.sync(() => {
      resume = undefined
    })
  })
  const wait = Effect.suspend(() => {
    isWoken = false
    cluster.advance()
    const due = cluster.nextDue()
    const left = due - cluster.now()
    if (left <= 0) return Effect.yieldNow()
    cluster.awaited = due
    return left === Number.POSITIVE_INFINITY ? woken : Effect.raceFirst(Time.sleep(left), woken)
  })
  return Effect.forever(wait)
}
