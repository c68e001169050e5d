import { DisquePool, JobQueue } from "@disco/core"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { DateTime, Effect, Schema } from "effect"

const Address = Schema.String.pipe(Schema.pattern(/.@./), Schema.brand("Address"))

const invitations = JobQueue.make("invitations", {
  payload: Schema.Struct({
    to: Address,
    until: Schema.DateTimeUtc,
    language: Schema.optionalWith(Schema.String, { default: () => "en" })
  }),
  options: { retry: "2 minutes", ttl: "3 days" }
})

it.effect("payloads go through their Schema on both sides", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const to = Address.make("ada@example.com")
    yield* invitations.add(pool, { to, until: DateTime.unsafeMake("2030-01-01"), language: "fr" })
    const job = yield* invitations.get(pool)
    assert.strictEqual(job.payload.language, "fr")
    assert.isTrue(DateTime.isDateTime(job.payload.until))
    yield* pool.ackJob(job)
  }).pipe(Effect.provide(DiscoTest.layer()))
)

it.effect("a job that was added before a field had its name is read", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    yield* pool.addJob("invitations", '{"to":"ada@example.com","until":"2030-01-01T00:00:00.000Z"}')
    assert.strictEqual((yield* invitations.get(pool)).payload.language, "en")
  }).pipe(Effect.provide(DiscoTest.layer()))
)

const thumbnails = JobQueue.make("thumbnails", { payload: Schema.Uint8ArrayFromSelf, format: "bytes" })

it.effect("a body need not be JSON", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    yield* thumbnails.add(pool, new Uint8Array([137, 80, 78, 71]))
    assert.deepStrictEqual((yield* thumbnails.get(pool)).payload, new Uint8Array([137, 80, 78, 71]))
  }).pipe(Effect.provide(DiscoTest.layer()))
)
