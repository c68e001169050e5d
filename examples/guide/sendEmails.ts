import { Worker } from "@disco/funnel"
import { Effect, Schedule } from "effect"
import { emails } from "./emails.js"
import { Mailer } from "./mailer.js"

export const SendEmails = Worker.layer(
  emails,
  ({ subject, to }) => Effect.flatMap(Mailer, (mailer) => mailer.send(to, subject)),
  {
    concurrency: 8,
    attempts: 5,
    retry: Schedule.exponential("1 second"),
    retryable: (error) => error._tag !== "NoSuchAddress"
  }
)
