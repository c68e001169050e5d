import { DisquePool, JobQueue } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Worker } from "@disco/funnel"
import { NodeSdk } from "@effect/opentelemetry"
import { HttpClient, HttpRouter, HttpServer, HttpServerResponse } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { Deferred, Effect, Layer, Schema } from "effect"

/** With `traced`, the span that a job is added in travels with it. Turn it on in the workers first. */
const mails = JobQueue.make("mails", { payload: Schema.Struct({ to: Schema.String }), traced: true })

const Web = HttpRouter.empty.pipe(
  HttpRouter.post(
    "/mails",
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const id = yield* mails.add(pool, { to: "ada@example.com" })
      return HttpServerResponse.unsafeJson({ id }, { status: 202 })
    })
  ),
  HttpServer.serve()
)

const Sending = (send: (to: string) => Effect.Effect<unknown>) => Worker.layer(mails, ({ to }) => send(to))

/** The tracer of a program. In place of the exporter in memory comes one that sends spans to a collector. */
const tracer = (serviceName: string, exporter: InMemorySpanExporter) =>
  NodeSdk.layer(() => ({ resource: { serviceName }, spanProcessor: new SimpleSpanProcessor(exporter) }))

const spanOf = (spans: ReadonlyArray<ReadableSpan>, name: string) => spans.find((span) => span.name === name)

it.live("one trace goes from the request to the handler, through both programs", () =>
  Effect.gen(function* () {
    const [web, worker] = [new InMemorySpanExporter(), new InMemorySpanExporter()]
    const sent = yield* Deferred.make<string>()
    const send = (to: string) => Effect.withSpan(Deferred.succeed(sent, to), "smtp")
    yield* Effect.scoped(
      Effect.gen(function* () {
        yield* Layer.build(Layer.provide(Sending(send), tracer("worker", worker)))
        yield* HttpClient.post("/mails").pipe(
          Effect.withTracerEnabled(false),
          Effect.provide(Layer.provideMerge(Layer.provide(Web, tracer("web", web)), NodeHttpServer.layerTest))
        )
        assert.strictEqual(yield* Deferred.await(sent), "ada@example.com")
      })
    )
    const [requests, jobs] = [web.getFinishedSpans(), worker.getFinishedSpans()]
    const path = [
      spanOf(requests, "http.server POST"),
      spanOf(requests, "addjob mails"),
      spanOf(jobs, "process mails"),
      spanOf(jobs, "smtp")
    ]
    assert.strictEqual(new Set(path.map((span) => span?.spanContext().traceId)).size, 1)
    for (const [i, span] of path.entries()) {
      const parent = path[i - 1]
      if (parent !== undefined) assert.strictEqual(span?.parentSpanContext?.spanId, parent.spanContext().spanId)
    }
  }).pipe(Effect.provide(EmbeddedDisque.layerPool))
)
