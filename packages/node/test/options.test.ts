import { DisqueConnection, DisquePool, type InvalidArgument, JobQueue } from "@disco/core"
import { consume } from "@disco/core/internal"
import { EmbeddedDisque, type EmbeddedOptions, EmbeddedServer, VirtualTime } from "@disco/embedded"
import { DeadLetter, Funnel, Recurring, Worker } from "@disco/funnel"
import { NodeDisque } from "@disco/node"
import { SocketServer } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Effect,
  Exit,
  Layer,
  Option,
  Predicate,
  Redacted,
  Schema,
  type Scope,
  Stream,
  TestServices
} from "effect"

type Start = (option: string, value: unknown) => Effect.Effect<unknown, unknown, DisquePool | Scope.Scope>

const inMemory = (options?: EmbeddedOptions) => EmbeddedDisque.make(options)

const notCounts = [Number.NaN, -1, Number.POSITIVE_INFINITY, 1.5, "3", {}, 10n]
const notDurations = [Number.NaN, -5, "-5 seconds", Number.POSITIVE_INFINITY, 1.5, "soon", "", {}, true]
const notWords = ["", "no such word", 1, {}]
const notSchedules = [1, "1 second", {}, () => 1]
const notSecrets = ["", "secret", 1, {}, Redacted.make("")]
const notFlags = [1, "yes", {}, null]
const notRecords = [1, "a", [1], Number.NaN]
const notFunctions = [1, "a", {}]
const notNames = ["", 1, [], [""], {}]

const notJobOptions = [
  ...notRecords,
  { retry: -1 },
  { ttl: Number.NaN },
  { delay: 1.5 },
  { replicate: 0 },
  { maxLen: Number.POSITIVE_INFINITY },
  { timeout: "" },
  { async: "yes" }
]

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
  retry: notSchedules,
  addressMap: [...notRecords, { "10.0.0.1:7711": "" }, { "10.0.0.1:7711": 7711 }, { here: ":" }, { "": "localhost" }],
  lazyConnect: notFlags
}

const funnel = {
  prefetch: notCounts,
  ahead: notCounts,
  fetchers: notCounts,
  fetchCount: notCounts,
  outgoingCapacity: notCounts,
  batch: notCounts,
  prefetchTimeToLive: notDurations,
  fetchTimeout: notDurations,
  closeWithin: notDurations,
  addTimeout: notDurations,
  acknowledge: notWords,
  ackWith: notWords,
  addSchedule: notSchedules,
  defaults: notJobOptions
}

const worker = {
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
  rateLimit: [1, "10", { limit: -1, interval: "1 second" }, { limit: 1, interval: -1 }],
  retryable: notFunctions,
  onFailure: notFunctions,
  onDeadLetter: notFunctions
}

const letters = { limit: notCounts, ids: [1, "", {}, ["soon"], [1]], where: notFunctions }

const recurring = { cron: undefined, schedule: undefined, payload: Effect.succeed(1) }

const figures = { id: 1, os: "Linux", executable: "/node", residentMemory: () => 1, cpuSeconds: () => 1 }

/** The options that a program written in JavaScript may pass. */
const options = <A extends object>(option: string, value: unknown, others: object = {}): A =>
  ({ ...others, [option]: value }) as A

const serve = (given: EmbeddedServer.ServeOptions) =>
  Effect.flatMap(EmbeddedDisque.make(), ({ nodes }) =>
    Effect.provideService(EmbeddedServer.serve(nodes[0], given), SocketServer.SocketServer, {
      address: { _tag: "TcpAddress", hostname: "127.0.0.1", port: 7711 },
      run: () => Effect.never
    })
  )

const listen = (given: EmbeddedServer.ServeOptions) =>
  Effect.flatMap(EmbeddedDisque.make(), ({ nodes }) => EmbeddedServer.listen(nodes[0], Effect.never, given))

const links = Layer.provide(EmbeddedDisque.layerDialer, EmbeddedDisque.layer())

const subjects: Record<string, { readonly start: Start; readonly bad: Record<string, ReadonlyArray<unknown>> }> = {
  DisqueConnection: {
    start: (option, value) => Effect.provide(DisqueConnection.make(options(option, value)), links),
    bad: connection
  },
  DisquePool: {
    start: (option, value) => Effect.provide(DisquePool.make(options(option, value)), links),
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
    start: (option, value) => Effect.flatMap(DisquePool, (pool) => pool.ready(options(option, value))),
    bad: { within: notDurations }
  },
  Funnel: {
    start: (option, value) => Funnel.make(options(option, value, { queues: "q" })),
    bad: {
      ...funnel,
      queues: [...notNames, ["a", 1], { a: -1 }, { a: 1.5 }, { a: Number.NaN }, { a: "1" }, { a: 101 }, undefined]
    }
  },
  "Funnel.forQueue": {
    start: (option, value) => Funnel.forQueue(numbers, options(option, value)),
    bad: funnel
  },
  "Funnel.forEach": {
    start: (option, value) =>
      Effect.flatMap(Funnel.make({ queues: "q" }), ({ forEach }) => forEach(() => Effect.void, options(option, value))),
    bad: { concurrency: notCounts }
  },
  "Funnel.incomingGrouped": {
    start: (option, value) =>
      Effect.flatMap(Funnel.make({ queues: "q" }), ({ incomingGrouped }) => {
        const { size, within } = { size: 10, within: 10, ...options<object>(option, value) }
        return Stream.runDrain(incomingGrouped(size, within))
      }),
    bad: { size: notCounts, within: notDurations }
  },
  Worker: {
    start: (option, value) => Worker.make(numbers, () => Effect.void, options(option, value)),
    bad: worker
  },
  "Worker.runBatch": {
    start: (option, value) => Worker.runBatch(numbers, () => Effect.succeed([]), options(option, value)),
    bad: { ...worker, size: notCounts, within: notDurations }
  },
  "Worker.layer": {
    start: (option, value) => Layer.build(Worker.layer(numbers, () => Effect.void, options(option, value))),
    bad: { onEnd: notFunctions }
  },
  Recurring: {
    start: (option, value) =>
      Recurring.run(
        numbers,
        options<Recurring.RecurringOptions<number, never, never>>(option, value, { ...recurring, cron: "0 6 * * *" })
      ),
    bad: {
      cron: ["", "soon", "61 * * * *", "0 0 30 2 *", 5, {}, Number.NaN],
      timeZone: ["", "Nowhere/Town", 5, {}],
      catchUp: notWords,
      payload: [1, "a", {}, undefined],
      options: notJobOptions
    }
  },
  "Recurring by a schedule": {
    start: (option, value) =>
      Recurring.run(numbers, options<Recurring.RecurringOptions<number, never, never>>(option, value, recurring)),
    bad: { schedule: notSchedules }
  },
  "DeadLetter.list": {
    start: (option, value) => DeadLetter.list("q", options(option, value)),
    bad: letters
  },
  "DeadLetter.redrive": {
    start: (option, value) => DeadLetter.redrive("q", options(option, value)),
    bad: letters
  },
  "DeadLetter.purge": {
    start: (option, value) => DeadLetter.purge("q", options(option, value)),
    bad: letters
  },
  JobQueue: {
    start: (option, value) =>
      Effect.try({
        try: () => {
          const { queue, ...spec } = { queue: "q", payload: Schema.Number, ...options<object>(option, value) }
          return JobQueue.make(queue, spec)
        },
        catch: (thrown) => thrown
      }),
    bad: {
      queue: notNames,
      payload: [1, "a", {}, undefined],
      format: notWords,
      traced: [1, "yes", {}],
      options: notJobOptions
    }
  },
  EmbeddedDisque: {
    start: (option, value) => inMemory(options(option, value)),
    bad: {
      nodes: notCounts,
      maxmemory: notCounts,
      ports: [[0], [1.5], [Number.NaN], [70_000], [7711, 7711], [], 7711, "7711", {}],
      host: ["", 1, {}],
      config: [
        ...notRecords,
        { maxclients: "0" },
        { maxclients: 5 },
        { hz: "often" },
        { "no-such-parameter": "1" },
        { requirepass: "sesame" }
      ],
      requirepass: [...notSecrets, Redacted.make("x".repeat(513))],
      onShutdown: notFunctions,
      process: [...notRecords, {}, { ...figures, id: -1 }, { ...figures, os: "" }, { ...figures, cpuSeconds: 1 }],
      latency: notDurations,
      nodeTimeout: notDurations,
      federationDelay: notDurations
    }
  },
  "EmbeddedServer.serve": {
    start: (option, value) => serve(options(option, value)),
    bad: { maxUnread: notCounts, closeWithin: notDurations }
  },
  "EmbeddedServer.listen": {
    start: (option, value) => listen(options(option, value)),
    bad: { maxUnread: notCounts, closeWithin: notDurations }
  },
  NodeDisque: {
    start: (option, value) => Layer.build(NodeDisque.layerDialer(options(option, value, { nodes: "127.0.0.1:7711" }))),
    bad: {
      connectTimeout: notDurations,
      nodes: [...notNames, ["127.0.0.1:7711", ""], "127.0.0.1:0", "http://a", undefined, Number.NaN],
      password: notSecrets,
      tls: [
        ...notRecords,
        { ca: 5 },
        { cert: "no certificate" },
        { key: {} },
        { servername: "" },
        { rejectUnauthorized: "no" }
      ]
    }
  }
}

/** What is given in place of all options. */
const wholes: Record<string, (value: never) => Effect.Effect<unknown, unknown, DisquePool | Scope.Scope>> = {
  DisqueConnection: (value) => Effect.provide(DisqueConnection.make(value), links),
  DisquePool: (value) => Effect.provide(DisquePool.make(value), links),
  ready: (value) => Effect.flatMap(DisquePool, (pool) => pool.ready(value)),
  Funnel: (value) => Funnel.make(value),
  "Funnel.forEach": (value) =>
    Effect.flatMap(Funnel.make({ queues: "q" }), ({ forEach }) => forEach(() => Effect.void, value)),
  Recurring: (value) => Recurring.run(numbers, value),
  DeadLetter: (value) => DeadLetter.list("q", value),
  EmbeddedDisque: (value) => inMemory(value),
  EmbeddedServer: serve,
  NodeDisque: (value) => Layer.build(NodeDisque.layerDialer(value))
}

const textOf = (value: unknown): string =>
  typeof value === "bigint" ? `${value}n` : (JSON.stringify(value) ?? String(value))

/** The refusal that something ends with at once. */
const refusal = (said: string, start: ReturnType<Start>) =>
  Effect.gen(function* () {
    // A value that is taken may let a consumer run forever.
    const taken = Effect.as(TestServices.provideLive(Effect.sleep("1 second")), Exit.succeed("it goes on"))
    const exit = yield* Effect.raceFirst(Effect.exit(VirtualTime.scoped(start)), taken)
    const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined
    assert.isTrue(Predicate.isTagged(error, "InvalidArgument"), `${said} ends with ${exit}`)
    const { argument, expected, value } = error as InvalidArgument
    assert.isAbove(expected.length, 3, said)
    assert.isAbove(value.length, 0, said)
    return argument
  })

describe("an option that cannot be used is refused by its name, before anything begins", () => {
  for (const [subject, { bad, start }] of Object.entries(subjects)) {
    for (const [option, values] of Object.entries(bad)) {
      it.effect(`${subject}: ${option}`, () =>
        Effect.gen(function* () {
          for (const value of values) {
            const said = `${option}: ${textOf(value)}`
            const argument = yield* refusal(said, start(option, value))
            assert.strictEqual(argument.split(".")[0], option, said)
          }
        }).pipe(Effect.provide(EmbeddedDisque.layerPool))
      )
    }
  }
})

describe("what is no object is refused in place of options", () => {
  for (const [subject, start] of Object.entries(wholes)) {
    it.effect(subject, () =>
      Effect.gen(function* () {
        for (const value of [5, "options", [], null, Number.NaN]) {
          assert.strictEqual(yield* refusal(textOf(value), start(value as never)), "options")
        }
      }).pipe(Effect.provide(EmbeddedDisque.layerPool))
    )
  }
})
