import { JobQueue } from "@disco/core"
import { Schema } from "effect"

/** What producers and workers share: the name of the queue, and what a job holds. */
export const emails = JobQueue.make("emails", {
  payload: Schema.Struct({ to: Schema.String, subject: Schema.String }),
  options: { retry: "1 minute" }
})
