import { DisquePool, Job } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, Exit, FiberRef, Option, Queue, Stream } from "effect"
import { Funnel } from "../../src/index.js"
import { left } from "../utils/jobs.js"
import { layer } from "../utils/nodes.js"
import { add, bodies } from "./utils.js"

describe.concurrent("the funnel of the Go original", () => {
  it.effect("incoming channel: a job in the queue comes through incoming, with its id and its payload", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const id = yield* pool.addJob("disco-test-queue", "this-is-the-payload")
      const funnel = yield* Funnel.make({ queues: "disco-test-queue" })
      const job = Option.getOrThrow(yield* Stream.runHead(funnel.incoming))
      assert.deepStrictEqual([job.id, Job.text(job)], [id, "this-is-the-payload"])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("outgoing channel: a job offered to outgoing comes through incoming", () =>
    Effect.gen(function* () {
      const funnel = yield* Funnel.make({ queues: "disco-test-queue" })
      yield* Queue.offer(funnel.outgoing, { queue: "disco-test-queue", body: "this-is-the-payload" })
      const job = Option.getOrThrow(yield* Stream.runHead(funnel.incoming))
      assert.strictEqual(Job.text(job), "this-is-the-payload")
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("closing: a closed funnel blocks neither offers nor readers", () =>
    Effect.gen(function* () {
      const funnel = yield* Effect.scoped(Funnel.make({ queues: "disco-test-queue" }))
      const offering = yield* Effect.exit(Queue.offer(funnel.outgoing, { queue: "disco-test-queue", body: "late" }))
      assert.isTrue(Exit.isInterrupted(offering))
      const sending = yield* Effect.flip(funnel.send({ queue: "disco-test-queue", body: "late" }))
      assert.strictEqual(sending._tag, "FunnelClosed")
      assert.isTrue(Chunk.isEmpty(yield* Stream.runCollect(funnel.incoming)))
      assert.deepStrictEqual(yield* left("disco-test-queue"), [])
    }).pipe(Effect.provide(layer))
  )
})

it.effect("options that make no sense are refused, with what was given and what was expected", () =>
  Effect.gen(function* () {
    const all: ReadonlyArray<Funnel.FunnelOptions> = [
      { queues: [] },
      { queues: "" },
      { queues: ["a", ""] },
      { queues: {} },
      { queues: { a: 0 } },
      { queues: "a", prefetch: -1 },
      { queues: "a", prefetchTimeToLive: "soon" as never },
      { queues: "a", fetchCount: 0 },
      { queues: "a", fetchTimeout: 0 },
      { queues: "a", fetchers: 1.5 },
      { queues: "a", ahead: -1 },
      { queues: "a", batch: Number.NaN },
      { queues: "a", outgoingCapacity: 0 },
      { queues: "a", closeWithin: Number.POSITIVE_INFINITY },
      { queues: "a", addTimeout: 0 }
    ]
    const refused: Array<string> = []
    for (const options of all) {
      const error = yield* Effect.flip(Effect.scoped(Funnel.make(options)))
      assert.match(error.message, /^Funnel: .* is .*, expected ./)
      refused.push(error.argument)
    }
    assert.deepStrictEqual(refused, [
      ...["queues", "queues", "queues", "queues", "queues"],
      ...[
        "prefetch",
        "prefetchTimeToLive",
        "fetchCount",
        "fetchTimeout",
        "fetchers",
        "ahead",
        "batch",
        "outgoingCapacity",
        "closeWithin",
        "addTimeout"
      ]
    ])
  }).pipe(Effect.provide(layer))
)

it.effect("a stream in the handler of another stream leaves the fiber as it was", () =>
  Effect.gen(function* () {
    yield* add("a", 2)
    yield* add("b", 2)
    const a = yield* Funnel.make({ queues: "a" })
    const b = yield* Funnel.make({ queues: "b" })
    const before = yield* FiberRef.get(FiberRef.currentSupervisor)
    yield* Stream.runForEach(Stream.take(a.incoming, 2), () => Stream.runDrain(Stream.take(b.incoming, 1)))
    assert.strictEqual(yield* FiberRef.get(FiberRef.currentSupervisor), before)
    assert.deepStrictEqual([yield* bodies("a"), yield* bodies("b")], [[], []])
  }).pipe(Effect.scoped, Effect.provide(layer))
)
