import { JobQueue } from "@disco/core"
import { Effect, Schema } from "effect"
import { DiscoTest } from "../../src/index.js"

export const emails = JobQueue.make("emails", {
  payload: Schema.Struct({ to: Schema.String, subject: Schema.optional(Schema.String) }),
  options: { retry: "1 minute" }
})

/** What an expectation says that does not hold. */
export const complaint = <A, E, R>(expectation: Effect.Effect<A, E | DiscoTest.ExpectationFailed, R>) =>
  Effect.map(Effect.flip(expectation), (error) =>
    error instanceof DiscoTest.ExpectationFailed ? error.message : error
  )
