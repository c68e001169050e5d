/** What must not fail whatever it does. */
import * as Effect from "effect/Effect"

/** Runs a log, for which a logger of the user may have no stomach: nothing else is to fail for that. */
export const quietly = (log: Effect.Effect<void>): Effect.Effect<void> => Effect.catchAllCause(log, () => Effect.void)
