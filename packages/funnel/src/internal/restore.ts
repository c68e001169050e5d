/** Masks of interruption. */
import type * as Effect from "effect/Effect"

/** Lets an effect within a mask be interrupted. */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
