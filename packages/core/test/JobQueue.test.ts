import { assert, describe, it } from "@effect/vitest"
import { Cause, Duration, Effect, Either, Exit, FastCheck, Fiber, Option, ParseResult, Schema, Tracer } from "effect"
import { type AddJobOptions, DisqueConnection, type Job, type JobId, JobQueue } from "../src/index.js"
import { asText, bulk, fakeNodes } from "./utils/fakeNodes.js"

const id = "D-afa64674-7Odk5Ok5edttbbDlpcZkZHVN-05a1" as JobId.JobId
const encoder = new TextEncoder()

const jobWith = (body: string | Uint8Array): Job.Job => ({
  queue: "q",
  id,
  body: typeof body === "string" ? encoder.encode(body) : body,
  nacks: 0,
  additionalDeliveries: 0,
  node: "127.0.0.1:7711"
})

const bodyOf = (body: string | Uint8Array) => (typeof body === "string" ? body : new TextDecoder().decode(body))

const Email = Schema.Struct({ to: Schema.String, at: Schema.DateFromString })
const emails = JobQueue.make("emails", { payload: Email })
const email = { to: "ada@example.com", at: new Date(0) }
const plain = '{"to":"ada@example.com","at":"1970-01-01T00:00:00.000Z"}'

/** A connection to a node that hands out jobs with these bodies, and what else it was sent. */
const delivering = (...bodies: ReadonlyArray<string | Uint8Array>) => {
  const jobs = bodies.map((body) => [bulk("q"), bulk(id), typeof body === "string" ? bulk(body) : body])
  const { layer, sent } = fakeNodes(["127.0.0.1:7711"], (_, [command]) => {
    if (command === "GETJOB") {
      return jobs.splice(0).map((job) => [...job, bulk("nacks"), 0, bulk("additional-deliveries"), 0])
    }
    if (command === "ADDJOB") return id
    return command === "QPEEK" ? jobs : 1
  })
  return Effect.map(Effect.provide(DisqueConnection.make(), layer), (disque) => ({ disque, sent }))
}

/** What JSON holds as it is. */
const json = FastCheck.jsonValue({ noUnicodeString: false }).map((value) => JSON.parse(JSON.stringify(value)))

describe.concurrent("a typed queue", () => {
  it.effect.prop("gives back every payload that it took, through JSON", [json], ([payload]) =>
    Effect.gen(function* () {
      const queue = JobQueue.make("q", { payload: Schema.Unknown })
      assert.deepStrictEqual(yield* queue.decode(jobWith(yield* queue.encode(payload))), payload)
    })
  )

  it.effect.prop(
    "gives back every payload that it took, traced or not, envelopes among them",
    [json, FastCheck.boolean()],
    ([payload, isWrapped]) =>
      Effect.gen(function* () {
        const queue = JobQueue.make("q", { payload: Schema.Unknown, traced: true })
        const sent = isWrapped ? { $disco: "traced", payload, traceparent: "x" } : payload
        const bare = yield* queue.open(jobWith(yield* queue.encode(sent)))
        assert.deepStrictEqual([bare.payload, bare.trace], [sent, undefined])
        const span = Tracer.externalSpan({ traceId: "a".repeat(32), spanId: "b".repeat(16), sampled: true })
        const traced = yield* queue.open(jobWith(yield* Effect.withParentSpan(queue.encode(sent), span)))
        assert.deepStrictEqual(traced.payload, sent)
        assert.deepInclude(traced.trace, { traceId: span.traceId, spanId: span.spanId, sampled: true })
      })
  )

  it.effect.prop(
    "gives back every text and all bytes",
    [FastCheck.string({ unit: "binary" }), FastCheck.uint8Array()],
    ([text, bytes]) =>
      Effect.gen(function* () {
        const texts = JobQueue.make("q", { payload: Schema.String, format: "text" })
        assert.strictEqual(yield* texts.decode(jobWith(yield* texts.encode(text))), text)
        const raw = JobQueue.make("q", { payload: Schema.Uint8ArrayFromSelf, format: "bytes" })
        assert.deepStrictEqual(yield* raw.decode(jobWith(yield* raw.encode(bytes))), bytes)
      })
  )

  it.effect("writes a payload as its schema encodes it and nothing around it, and within a span too", () =>
    Effect.gen(function* () {
      const body = yield* emails.encode(email).pipe(Effect.withSpan("adding"))
      assert.strictEqual(bodyOf(body), plain)
      assert.deepStrictEqual(yield* emails.decode(jobWith(plain)), email)
      assert.deepStrictEqual(yield* emails.decode(jobWith(`\ufeff ${plain}\n`)), email)
    })
  )

  it.effect("puts the span into an envelope if it is traced, and reads plain bodies as before", () =>
    Effect.gen(function* () {
      const traced = JobQueue.make("emails", { payload: Email, traced: true })
      const span = Tracer.externalSpan({
        traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
        spanId: "00f067aa0ba902b7",
        sampled: false
      })
      const body = yield* Effect.withParentSpan(traced.encode(email), span)
      assert.strictEqual(
        bodyOf(body),
        `{"$disco":"traced","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00","payload":${plain}}`
      )
      const { payload, trace } = yield* traced.open(jobWith(body))
      assert.deepStrictEqual(payload, email)
      assert.deepInclude(trace, { _tag: "ExternalSpan", traceId: span.traceId, spanId: span.spanId, sampled: false })
      assert.strictEqual((yield* traced.open(jobWith(plain))).trace, undefined)
      assert.strictEqual((yield* Effect.flip(emails.decode(jobWith(body))))._tag, "InvalidPayload")
    })
  )

  it.effect("ignores a trace that is not valid, and still reads the payload", () =>
    Effect.gen(function* () {
      const traced = JobQueue.make("q", { payload: Schema.Number, traced: true })
      const ids = [
        "",
        5,
        null,
        `00-${"0".repeat(32)}-${"b".repeat(16)}-01`,
        `ff-${"a".repeat(32)}-${"b".repeat(16)}-01`
      ]
      for (const traceparent of ids) {
        const opened = yield* traced.open(jobWith(JSON.stringify({ $disco: "traced", traceparent, payload: 5 })))
        assert.deepStrictEqual([opened.payload, opened.trace], [5, undefined])
      }
    })
  )

  it.effect("has an error of its own for a payload that does not decode, with the job and its bytes", () =>
    Effect.gen(function* () {
      for (const body of ["", "{", "null", '{"to":5}', Uint8Array.of(0xff, 0xfe), '"\\ud800']) {
        const job = jobWith(body)
        const error = yield* Effect.flip(emails.decode(job))
        assert.strictEqual(error._tag, "InvalidPayload")
        assert.strictEqual(error.job, job)
        assert.deepStrictEqual(error.body, job.body)
        assert.include(error.message, `of job ${id} does not fit queue "emails"`)
      }
    })
  )

  it.effect("refuses payloads that would not come back as they are", () =>
    Effect.gen(function* () {
      const any = JobQueue.make("q", { payload: Schema.Unknown })
      const cycle: { self?: unknown } = {}
      cycle.self = cycle
      for (const payload of [Number.NaN, { deep: [Number.POSITIVE_INFINITY] }, undefined, 5n, cycle, () => 1]) {
        const error = yield* Effect.flip(any.encode(payload))
        assert.deepInclude(error, { _tag: "InvalidPayload", job: undefined, body: undefined })
      }
      const text = JobQueue.make("q", { payload: Schema.String, format: "text" })
      assert.strictEqual((yield* Effect.flip(text.encode("half a \ud800 pair")))._tag, "InvalidPayload")
    })
  )

  it("gives jobs a TTL of 7 days, unless the queue or the call says otherwise", () => {
    const own = JobQueue.make("q", { payload: Email, options: { ttl: "2 hours" } })
    assert.deepStrictEqual(emails.addOptions(), { ttl: Duration.days(7) })
    assert.deepStrictEqual(emails.addOptions({ ttl: undefined, retry: 0 }), { ttl: Duration.days(7), retry: 0 })
    assert.deepStrictEqual(emails.addOptions({ ttl: "1 hour" }), { ttl: "1 hour" })
    assert.deepStrictEqual(own.addOptions({ ttl: undefined }), { ttl: "2 hours" })
    assert.deepStrictEqual(own.addOptions({ ttl: "1 hour" }), { ttl: "1 hour" })
  })

  it("raises the TTL to twice the delay plus the time for the work, if that is more", () => {
    const ttlOf = (options: AddJobOptions) => emails.addOptions(options).ttl
    assert.deepStrictEqual(ttlOf({ delay: "1 hour" }), Duration.days(7))
    assert.deepStrictEqual(ttlOf({ delay: "2 days" }), Duration.days(7))
    assert.deepStrictEqual(ttlOf({ delay: "3 days" }), Duration.days(7))
    assert.deepStrictEqual(
      ttlOf({ delay: Duration.sum(Duration.days(3), "1 second") }),
      Duration.seconds(7 * 86_400 + 2)
    )
    assert.deepStrictEqual(ttlOf({ delay: "4 days" }), Duration.days(9))
    assert.deepStrictEqual(ttlOf({ delay: "1 day", ttl: "1 hour" }), Duration.hours(49))
    assert.deepStrictEqual(ttlOf({ delay: "9 seconds", ttl: "10 seconds" }), Duration.seconds(28))
    assert.deepStrictEqual(ttlOf({ delay: 0, ttl: "10 seconds" }), "10 seconds")
    // Whole seconds, and no more of them than Disque can count.
    assert.deepStrictEqual(ttlOf({ delay: "3 seconds", ttl: "1500 millis" }), Duration.seconds(8))
    assert.deepStrictEqual(ttlOf({ delay: Duration.days(365 * 50) }), Duration.seconds(2 ** 31 - 1))
    // What is no duration is not touched.
    assert.deepStrictEqual(ttlOf({ delay: Number.NaN }), Duration.days(7))
    assert.deepStrictEqual(emails.addOptions({ ttl: "nonsense" as never, delay: "4 days" }), {
      ttl: "nonsense" as never,
      delay: "4 days"
    })
  })

  it.scoped("sends the TTL with every job, and lets ADDJOB refuse a value that is not a duration", () =>
    Effect.gen(function* () {
      const queue = JobQueue.make("q", { payload: Email, options: { ttl: "1 hour", retry: "1 minute" } })
      const { disque, sent } = yield* delivering()
      yield* emails.add(disque, email)
      assert.deepStrictEqual(asText(sent[0]?.words ?? []), ["ADDJOB", "emails", plain, "5000", "TTL", "604800"])
      yield* queue.add(disque, email, { delay: "1 day" })
      const expected = ["ADDJOB", "q", plain, "5000", "DELAY", "86400", "RETRY", "60", "TTL", "176400"]
      assert.deepStrictEqual(asText(sent[1]?.words ?? []), expected)
      for (const delay of ["1500 millis", "-1 seconds", Number.NaN, Duration.infinity] as const) {
        const error = yield* Effect.flip(queue.add(disque, email, { delay }))
        assert.deepInclude(error, { _tag: "InvalidArgument", argument: "delay" })
      }
    })
  )

  it.scoped("gets a job that every command takes, or an error that has the job", () =>
    Effect.gen(function* () {
      const { disque, sent } = yield* delivering(plain)
      const job = yield* emails.get(disque)
      assert.deepStrictEqual([job.payload, job.node, job.nacks], [email, "127.0.0.1:7711", 0])
      yield* disque.ackJob(job)
      assert.deepStrictEqual(sent.at(-1)?.words, ["ACKJOB", id])

      const strange = yield* delivering("strange")
      const error = yield* Effect.flip(emails.get(strange.disque))
      assert.strictEqual(error._tag, "InvalidPayload")
      if (error._tag === "InvalidPayload" && error.job !== undefined) yield* strange.disque.nackJob(error.job)
      // Nothing was done with it but what was asked for.
      assert.deepStrictEqual(
        strange.sent.map(({ words }) => words[0]),
        ["GETJOB", "NACK"]
      )
    })
  )

  it.scoped("gets and peeks many jobs, each with its payload or its own error", () =>
    Effect.gen(function* () {
      const { disque, sent } = yield* delivering(plain, "strange", plain)
      const peeked = yield* emails.peek(disque, { count: 3 })
      assert.deepStrictEqual(peeked.map(Either.isRight), [true, false, true])
      const jobs = yield* emails.getMany(disque, { count: 3 })
      assert.deepStrictEqual(
        jobs.map(Either.match({ onLeft: (error) => bodyOf(error.body ?? ""), onRight: (job) => job.payload })),
        [email, "strange", email]
      )
      assert.deepStrictEqual(
        sent.map(({ words }) => words[0]),
        ["QPEEK", "GETJOB"]
      )
    })
  )

  it.scoped("puts back its jobs if it is interrupted while it decodes them", () =>
    Effect.gen(function* () {
      const slow = JobQueue.make("q", {
        payload: Schema.transformOrFail(Schema.String, Schema.String, {
          decode: () => Effect.never,
          encode: Effect.succeed
        })
      })
      for (const [unwanted, command] of [
        [undefined, "ENQUEUE"],
        ["nack", "NACK"]
      ] as const) {
        const { disque, sent } = yield* delivering('"a"', '"b"')
        const getting = yield* Effect.fork(slow.getMany(disque, { count: 2, unwanted }))
        for (let i = 0; i < 50; i++) yield* Effect.yieldNow()
        yield* Fiber.interrupt(getting)
        assert.deepStrictEqual(sent.at(-1)?.words, [command, id, id])
      }
    })
  )

  it("opens a job at once if its schema takes no time, and never throws", () => {
    const isNow = (queue: Pick<JobQueue.JobQueue<unknown>, "open">, body: string) =>
      Exit.isExit(queue.open(jobWith(body)))
    const Late = Schema.transformOrFail(Schema.String, Schema.String, {
      decode: (text) => Effect.as(Effect.yieldNow(), text),
      encode: ParseResult.succeed
    })
    const Throwing = Schema.transform(Schema.String, Schema.String, {
      decode: (): string => {
        throw new Error("thrown")
      },
      encode: (text) => text
    })
    assert.isTrue(isNow(emails, plain))
    assert.isTrue(isNow(emails, "{"))
    assert.isFalse(isNow(JobQueue.make("q", { payload: Late, format: "text" }), "x"))
    const thrown = Effect.runSyncExit(JobQueue.make("q", { payload: Throwing, format: "text" }).open(jobWith("x")))
    assert.isTrue(Exit.isFailure(thrown) && Cause.isDie(thrown.cause))
  })

  it.effect("opens a job that is a typed one already", () =>
    Effect.gen(function* () {
      const first = yield* JobQueue.make("q", { payload: Schema.String, format: "text" }).open(jobWith("1"))
      const second = yield* JobQueue.make("q", { payload: Schema.NumberFromString, format: "text" }).open(first)
      assert.deepStrictEqual([first.payload, second.payload], ["1", 1])
    })
  )

  it.effect("lets schemas need services", () =>
    Effect.gen(function* () {
      class Key extends Effect.Tag("Key")<Key, { readonly shift: number }>() {}
      const queue = JobQueue.make("q", {
        payload: Schema.transformOrFail(Schema.Number, Schema.Number, {
          decode: (n) => Key.pipe(Effect.map(({ shift }) => n - shift)),
          encode: (n) => Key.pipe(Effect.map(({ shift }) => n + shift))
        })
      })
      const body = yield* queue.encode(1).pipe(Effect.provideService(Key, { shift: 3 }))
      assert.strictEqual(bodyOf(body), "4")
      const read = queue.decode(jobWith(body)).pipe(Effect.provideService(Key, { shift: 3 }), Effect.option)
      assert.deepStrictEqual(yield* read, Option.some(1))
    })
  )
})
