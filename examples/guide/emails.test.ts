import { DisquePool } from "@disco/core"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { emails } from "./emails.js"
import { Mailer, MailServerBusy, NoSuchAddress } from "./mailer.js"
import { SendEmails } from "./sendEmails.js"

/** A mail server that is busy for its first two mails, and knows nobody without an @. */
const mailServer = (sent: Array<string>) => {
  let calls = 0
  return Layer.succeed(Mailer, {
    send: (to) =>
      Effect.gen(function* () {
        if (!to.includes("@")) return yield* new NoSuchAddress({ to })
        calls++
        if (calls <= 2) return yield* new MailServerBusy()
        sent.push(to)
      })
  })
}

it.effect("an email is sent, though the mail server is busy at first", () => {
  const sent: Array<string> = []
  return Effect.gen(function* () {
    const pool = yield* DisquePool
    yield* emails.add(pool, { to: "ada@example.com", subject: "Welcome" })
    yield* DiscoTest.advance("10 minutes")
    assert.deepStrictEqual(sent, ["ada@example.com"])
  }).pipe(Effect.provide(SendEmails.pipe(Layer.provide(mailServer(sent)), Layer.provideMerge(DiscoTest.layer()))))
})

it.effect("an email to nobody is given up at once, and kept", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    yield* emails.add(pool, { to: "nobody", subject: "Welcome" })
    yield* DiscoTest.advance("1 minute")
    const [dead] = yield* DiscoTest.deadLettered(emails)
    assert.strictEqual(dead?.letter.attempts, 1)
  }).pipe(Effect.provide(SendEmails.pipe(Layer.provide(mailServer([])), Layer.provideMerge(DiscoTest.layer()))))
)
