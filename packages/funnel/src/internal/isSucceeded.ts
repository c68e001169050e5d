/** Effects that need not be run. */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/** Whether an effect is its success already. */
export const isSucceeded = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): effect is Exit.Success<A, never> & typeof effect => Exit.isExit(effect) && Exit.isSuccess(effect)
