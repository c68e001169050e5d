import { type Duration, Effect, TestClock } from "effect"

/** Lets everything that is under way arrive. No time passes. */
export const settle = Effect.forEach(Array.from({ length: 60 }), () => Effect.yieldNow(), { discard: true })

/** Lets time pass, and everything that it sets off arrive. */
export const pass = (duration: Duration.DurationInput) => Effect.zipRight(TestClock.adjust(duration), settle)

/** Lets time pass in steps, for tests in which new work begins meanwhile. */
export const passIn = (steps: number, duration: Duration.DurationInput) =>
  Effect.forEach(Array.from({ length: steps }), () => pass(duration), { discard: true })
