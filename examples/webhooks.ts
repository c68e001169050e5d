import { DisquePool, JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { DeadLetter, Worker } from "@disco/funnel"
import { HttpClient, type HttpClientError, HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { NodeRuntime } from "@effect/platform-node"
import { type Cause, Console, Deferred, Effect, Layer, Logger, Schedule, Schema } from "effect"

const webhooks = JobQueue.make("webhooks", {
  payload: Schema.Struct({ url: Schema.String, event: Schema.String }),
  options: { retry: "1 minute" }
})

// A request that fails is tried again, at growing intervals. An address that is gone is given up at once.
const post = ({ event, url }: { readonly url: string; readonly event: string }) =>
  HttpClientRequest.post(url).pipe(
    HttpClientRequest.bodyUnsafeJson({ event }),
    HttpClient.execute,
    Effect.flatMap(HttpClientResponse.filterStatusOk),
    Effect.timeout("10 seconds")
  )

const isGone = (error: HttpClientError.HttpClientError | Cause.TimeoutException) =>
  error._tag === "ResponseError" && error.response.status === 410

const program = Effect.gen(function* () {
  const pool = yield* DisquePool
  const finished = yield* Deferred.make<void>()
  yield* Worker.make(webhooks, (hook) => Effect.tap(post(hook), () => Console.log(`sent ${hook.event}`)), {
    concurrency: 8,
    attempts: 4,
    retry: Schedule.exponential("20 millis"),
    retryable: (error) => !isGone(error),
    rateLimit: { limit: 100, interval: "1 second" },
    onFailure: ({ attempt, payload }) => Console.log(`attempt ${attempt} for ${payload.event} failed`),
    onDeadLetter: () => Deferred.succeed(finished, undefined)
  })
  yield* webhooks.add(pool, { url: "https://shop.example/hook", event: "order paid" })
  yield* webhooks.add(pool, { url: "https://gone.example/hook", event: "order sent" })
  yield* Deferred.await(finished)
  const [letter] = yield* DeadLetter.list(webhooks)
  yield* Console.log(`given up: ${letter?.letter.error}`)
}).pipe(Effect.scoped)

// Stands in for the network: one address works at the second attempt, the other is gone.
let calls = 0
const Network = Layer.succeed(
  HttpClient.HttpClient,
  HttpClient.make((request) => {
    const status = request.url.includes("gone") ? 410 : calls++ === 0 ? 503 : 204
    const answer = Effect.succeed(HttpClientResponse.fromWeb(request, new Response(null, { status })))
    return status === 410 ? Effect.delay(answer, "200 millis") : answer
  })
)

const quiet = Logger.remove(Logger.defaultLogger)

NodeRuntime.runMain(program.pipe(Effect.provide([Network, EmbeddedDisque.layerPool, quiet])), {
  disablePrettyLogger: true
})
