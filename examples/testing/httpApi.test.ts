import { DisquePool, JobQueue } from "@disco/core"
import { DiscoTest } from "@disco/testing"
import { HttpApp, HttpRouter, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"

const SignUp = Schema.Struct({ email: Schema.String })
const welcomes = JobQueue.make("welcomes", { payload: SignUp })

const api = HttpRouter.empty.pipe(
  HttpRouter.post(
    "/users",
    Effect.gen(function* () {
      const { email } = yield* HttpServerRequest.schemaBodyJson(SignUp)
      yield* welcomes.add(yield* DisquePool, { email }, { delay: "10 minutes" })
      return HttpServerResponse.empty({ status: 201 })
    }).pipe(
      Effect.catchTag("ParseError", () => HttpServerResponse.empty({ status: 400 })),
      Effect.catchTag("QueuePaused", () => HttpServerResponse.empty({ status: 503 }))
    )
  )
)

/** Calls the API without a socket. */
const post = (body: unknown) =>
  Effect.gen(function* () {
    const handle = HttpApp.toWebHandlerRuntime(yield* Effect.runtime<DisquePool>())(api)
    const request = new Request("http://localhost/users", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body)
    })
    return (yield* Effect.promise(() => handle(request))).status
  })

it.effect("who signs up is welcomed ten minutes later", () =>
  Effect.gen(function* () {
    assert.strictEqual(yield* post({ email: "ada@example.com" }), 201)
    yield* DiscoTest.expectEnqueued(welcomes, { payload: { email: "ada@example.com" }, delay: "10 minutes" })
  }).pipe(Effect.provide(DiscoTest.layer()))
)

it.effect("a request that is not valid welcomes nobody", () =>
  Effect.gen(function* () {
    assert.strictEqual(yield* post({ mail: "ada" }), 400)
    yield* DiscoTest.refuteEnqueued(welcomes, { within: "1 hour" })
  }).pipe(Effect.provide(DiscoTest.layer()))
)

it.effect("a client is told to come later when the queue takes no jobs", () =>
  Effect.gen(function* () {
    yield* DiscoTest.rejectNext("PAUSED")
    assert.strictEqual(yield* post({ email: "ada@example.com" }), 503)
  }).pipe(Effect.provide(DiscoTest.layer()))
)
