/** Effects whose failure must stop nothing else. */
import * as Effect from "effect/Effect"

/** Writes to the log. A logger of the user may fail, and nothing else is to fail with it. */
export const quietly = (log: Effect.Effect<void>): Effect.Effect<void> => Effect.catchAllCause(log, () => Effect.void)
