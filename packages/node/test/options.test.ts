import { type ConnectionOptions, DisqueConnection, DisquePool, type InvalidArgument, JobQueue } from "@disco/core"
import { consume } from "@disco/core/internal"
import { EmbeddedDisque } from "@disco/embedded"
import { Funnel, Worker } from "@disco/funnel"
import { NodeDisque } from "@disco/node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Layer, Predicate, Schema, type Scope } from "effect"

type Start = (option: string, value: unknown) => Effect.Effect<unknown, unknown, DisquePool | Scope.Scope>

const notCounts = [Number.NaN, -1, Number.POSITIVE_INFINITY, 1.5, "3", {}, 10n]
const notDurations = [Number.NaN, -5, "-5 seconds", Number.POSITIVE_INFINITY, 1.5, "soon", "", {}, true]
const notWords = ["", "no such word", 1, {}]
const notSchedules = [1, "1 second", {}, () => 1]

const numbers = JobQueue.make("numbers", { payload: Schema.Number })

const connection = {
  maxActive: notCounts,
  maxIdle: notCounts,
  maxWaiting: notCounts,
  cycle: notCounts,
  commandTimeout: notDurations,
  slice: notDurations,
  idleTimeToLive: notDurations,
  acquireTimeout: notDurations,
  refreshInterval: notDurations,
  retry: notSchedules
}

const links = Layer.provide(EmbeddedDisque.layerDialer, EmbeddedDisque.layer())

const subjects: Record<string, { readonly start: Start; readonly bad: Record<string, ReadonlyArray<unknown>> }> = {
  DisqueConnection: {
    start: (option, value) => Effect.provide(DisqueConnection.make({ [option]: value } as ConnectionOptions), links),
    bad: connection
  },
  DisquePool: {
    start: (option, value) => Effect.provide(DisquePool.make({ [option]: value } as ConnectionOptions), links),
    bad: connection
  },
  consume: {
    start: (option, value) =>
      Effect.flatMap(DisquePool, (pool) =>
        consume(pool, "q", { demand: () => Effect.never, receive: () => Effect.void, [option]: value })
      ),
    bad: { count: notCounts, perNode: notCounts, slice: notDurations }
  },
  ready: {
    start: (option, value) => Effect.flatMap(DisquePool, (pool) => pool.ready({ [option]: value })),
    bad: { within: notDurations }
  },
  Funnel: {
    start: (option, value) => Funnel.make({ queues: "q", [option]: value } as Funnel.FunnelOptions),
    bad: {
      prefetch: notCounts,
      ahead: notCounts,
      fetchers: notCounts,
      outgoingCapacity: notCounts,
      batch: notCounts,
      prefetchTimeToLive: notDurations,
      fetchTimeout: notDurations,
      closeWithin: notDurations,
      addTimeout: notDurations,
      acknowledge: notWords,
      ackWith: notWords
    }
  },
  Worker: {
    start: (option, value) => Worker.make(numbers, () => Effect.void, { [option]: value }),
    bad: {
      concurrency: notCounts,
      prefetch: notCounts,
      attempts: notCounts,
      crashes: notCounts,
      prefetchTimeToLive: notDurations,
      parkUpTo: notDurations,
      ttl: notDurations,
      deadLetterTtl: notDurations,
      grace: notDurations,
      closeWithin: notDurations,
      onLeaseLost: notWords,
      traces: notWords,
      retry: notSchedules,
      rateLimit: [1, "10", { limit: -1, interval: "1 second" }, { limit: 1, interval: -1 }]
    }
  },
  EmbeddedDisque: {
    start: (option, value) => EmbeddedDisque.make({ [option]: value }),
    bad: {
      nodes: notCounts,
      maxmemory: notCounts,
      ports: [[0], [1.5], [Number.NaN], [70_000], [7711, 7711]],
      latency: notDurations,
      nodeTimeout: notDurations,
      federationDelay: notDurations
    }
  },
  NodeDisque: {
    start: (option, value) =>
      Layer.build(NodeDisque.layerDialer({ nodes: "127.0.0.1:7711", [option]: value } as NodeDisque.NodesOptions)),
    bad: { connectTimeout: notDurations }
  }
}

describe("an option that cannot be used is refused by its name, before anything begins", () => {
  for (const [subject, { bad, start }] of Object.entries(subjects)) {
    for (const [option, values] of Object.entries(bad)) {
      it.effect(`${subject}: ${option}`, () =>
        Effect.gen(function* () {
          for (const value of values) {
            const said = `${option}: ${typeof value === "bigint" ? `${value}n` : JSON.stringify(value)}`
            const result = yield* start(option, value).pipe(Effect.scoped, Effect.either)
            assert.isTrue(Either.isLeft(result), `${said} is taken`)
            if (Either.isRight(result)) continue
            assert.isTrue(Predicate.isTagged(result.left, "InvalidArgument"), `${said} fails with ${result.left}`)
            const error = result.left as InvalidArgument
            assert.strictEqual(error.argument.split(".")[0], option, said)
            assert.isAbove(error.expected.length, 3, said)
            assert.isAbove(error.value.length, 0, said)
          }
        }).pipe(Effect.provide(EmbeddedDisque.layerPool))
      )
    }
  }
})
