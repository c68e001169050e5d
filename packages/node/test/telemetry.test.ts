import { DisqueConnection, DisquePool, Metrics } from "@disco/core"
import { forgetQueues } from "@disco/core/internal"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { type Context, Effect, Layer, Metric, MetricLabel, type Option, Tracer } from "effect"

interface Recorded {
  readonly name: string
  readonly kind: Tracer.SpanKind
  readonly parent: Option.Option<Tracer.AnySpan>
  readonly attributes: Map<string, unknown>
  status: Tracer.SpanStatus
}

/** A tracer that keeps what it is given. */
const recorder = () => {
  const spans: Array<Recorded> = []
  const tracer = Tracer.make({
    span: (name, parent, context: Context.Context<never>, links, startTime, kind) => {
      const recorded: Recorded = {
        name,
        kind,
        parent,
        attributes: new Map(),
        status: { _tag: "Started", startTime }
      }
      spans.push(recorded)
      return {
        _tag: "Span",
        name,
        spanId: String(spans.length),
        traceId: "trace",
        parent,
        context,
        get status() {
          return recorded.status
        },
        attributes: recorded.attributes,
        links,
        sampled: true,
        kind,
        end: (endTime, exit) => {
          recorded.status = { _tag: "Ended", startTime, endTime, exit }
        },
        attribute: (key, value) => void recorded.attributes.set(key, value),
        event: () => {},
        addLinks: () => {}
      }
    },
    context: (execute) => execute()
  })
  return { spans, tracer }
}

const embedded = Layer.mergeAll(DisqueConnection.layer(), DisquePool.layer()).pipe(
  Layer.provide(EmbeddedDisque.layerDialer),
  Layer.provide(EmbeddedDisque.layer())
)

describe("where a tracer listens", () => {
  it.scoped("each command is a span with what OpenTelemetry wants to know of it", () => {
    const { spans, tracer } = recorder()
    return Effect.gen(function* () {
      const disque = yield* DisqueConnection
      spans.length = 0
      const id = yield* disque.addJob("q", "x")
      const job = yield* disque.getJob("q")
      yield* disque.ackJob(job)
      yield* Effect.flip(disque.working(job))
      assert.deepStrictEqual(
        spans.map(({ kind, name }) => [name, kind]),
        [
          ["addjob q", "producer"],
          ["getjob q", "client"],
          ["ackjob", "client"],
          ["working", "client"]
        ]
      )
      const [adding, getting, acknowledging, working] = spans.map(({ attributes }) => Object.fromEntries(attributes))
      const common = {
        "messaging.system": "disque",
        "messaging.message.id": id,
        "server.address": "127.0.0.1",
        "server.port": 7711
      }
      assert.deepStrictEqual(adding, {
        ...common,
        "messaging.operation.name": "addjob",
        "messaging.operation.type": "send",
        "messaging.destination.name": "q"
      })
      assert.deepStrictEqual(getting, {
        ...common,
        "messaging.operation.name": "getjob",
        "messaging.operation.type": "receive",
        "messaging.destination.name": "q"
      })
      assert.deepStrictEqual(acknowledging, {
        ...common,
        "messaging.operation.name": "ackjob",
        "messaging.operation.type": "settle"
      })
      assert.deepInclude(working, { "error.type": "JobNotFound" })
    }).pipe(Effect.provide(embedded), Effect.withTracer(tracer))
  })

  it.scoped("a span has the one around it as its parent, and a wait that brought nothing has none", () => {
    const { spans, tracer } = recorder()
    return Effect.gen(function* () {
      const disque = yield* DisqueConnection
      spans.length = 0
      yield* Effect.withSpan(disque.ping, "outer")
      yield* disque.getJobs("q", { timeout: 0 })
      assert.deepStrictEqual(
        spans.map(({ name, parent }) => [
          name,
          parent._tag === "Some" && parent.value._tag === "Span" && parent.value.name
        ]),
        [
          ["outer", false],
          ["ping", "outer"]
        ]
      )
    }).pipe(Effect.provide(embedded), Effect.withTracer(tracer))
  })
})

describe("metrics", () => {
  const of = <Type, In, Out>(metric: Metric.Metric<Type, In, Out>, name: string, value: string) =>
    Metric.value(
      Metric.taggedWithLabels(metric, [MetricLabel.make("messaging.system", "disque"), MetricLabel.make(name, value)])
    )

  it.scoped("count the first 256 queues by their names, and all others together", () =>
    Effect.gen(function* () {
      forgetQueues()
      const disque = yield* DisqueConnection
      const sent = (queue: string) =>
        Effect.map(of(Metrics.sentMessages, "messaging.destination.name", queue), ({ count }) => Number(count))
      const others = yield* sent("(other)")
      for (let i = 1; i <= 260; i++) yield* disque.addJob(`many ${i}`, "x")
      assert.deepStrictEqual([yield* sent("many 1"), yield* sent("many 256"), yield* sent("many 257")], [1, 1, 0])
      assert.strictEqual((yield* sent("(other)")) - others, 4)
    }).pipe(Effect.ensuring(Effect.sync(forgetQueues)), Effect.provide(embedded))
  )

  it.scoped("count jobs by their queue, and measure commands", () =>
    Effect.gen(function* () {
      forgetQueues()
      const disque = yield* DisqueConnection
      const queue = "counted by nobody else"
      for (const body of ["1", "2", "3"]) yield* disque.addJob(queue, body)
      yield* disque.getJobs(queue, { count: 2 })
      const name = "messaging.destination.name"
      assert.strictEqual((yield* of(Metrics.sentMessages, name, queue)).count, 3)
      assert.strictEqual((yield* of(Metrics.consumedMessages, name, queue)).count, 2)
      const measured = yield* of(Metrics.operationDuration, "messaging.operation.name", "addjob")
      assert.isAtLeast(measured.count, 3)
    }).pipe(Effect.provide(embedded))
  )
})
