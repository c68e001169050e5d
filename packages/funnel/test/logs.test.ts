import { DisquePool, JobQueue } from "@disco/core"
import { EmbeddedDisque, VirtualTime } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Queue, Schedule, Schema, Scope, TestClock } from "effect"
import { DeadLetter, Funnel, Recurring, Worker } from "../src/index.js"
import { addAll, numbers } from "./utils/jobs.js"
import { type Line, makeLog } from "./utils/logs.js"
import { clusterOf, layer } from "./utils/nodes.js"
import { pass, settle } from "./utils/time.js"

const count = 400
const body = "x"

const fault = () => {
  throw new Error("a fault of the user")
}

/** Jobs that do not come again meanwhile. */
const addMany = Effect.flatMap(DisquePool, (pool) =>
  Effect.forEach(Array.from({ length: count }), (_, n) => numbers.add(pool, { n }, { retry: "1 hour" }))
)

/** Trouble of one kind, so many times at once. */
const kinds: Record<
  string,
  {
    readonly text: string
    readonly ids: boolean
    readonly run: Effect.Effect<unknown, unknown, DisquePool | Scope.Scope>
  }
> = {
  "jobs that could not be added": {
    text: "a job could not be added",
    ids: false,
    run: Effect.flatMap(Funnel.make({ queues: "in" }), ({ outgoing }) =>
      Effect.forEach(Array.from({ length: count }), () =>
        Queue.offer(outgoing, { queue: "numbers", body, options: { retry: -1 } })
      )
    )
  },
  "jobs whose adding dies": {
    text: "a job could not be added",
    ids: false,
    run: Effect.flatMap(DisquePool, (pool) =>
      Effect.flatMap(
        Effect.provideService(Funnel.make({ queues: "in" }), DisquePool, {
          ...pool,
          addJobs: () => Effect.die(new Error("a fault of ours"))
        }),
        ({ outgoing }) =>
          Effect.forEach(Array.from({ length: count }), () => Queue.offer(outgoing, { queue: "numbers", body }))
      )
    )
  },
  "handlers that fail": {
    text: "a job failed (attempt 1): no",
    ids: true,
    run: Effect.zipRight(
      addMany,
      Worker.make(numbers, () => Effect.fail("no"), { attempts: 2, retry: Schedule.spaced("1 hour") })
    )
  },
  "handlers that die": {
    text: "a job failed (attempt 1): ",
    ids: true,
    run: Effect.zipRight(
      addMany,
      Worker.make(numbers, () => Effect.sync(fault), { attempts: 2, retry: Schedule.spaced("1 hour") })
    )
  },
  "jobs that are given up": {
    text: "a job was given up",
    ids: true,
    run: Effect.zipRight(
      addMany,
      Worker.make(numbers, () => Worker.giveUp("no"))
    )
  },
  "hooks that throw": {
    text: "a hook of the worker died",
    ids: true,
    run: Effect.zipRight(
      addMany,
      Worker.make(numbers, () => Effect.fail("no"), {
        attempts: 2,
        retry: Schedule.spaced("1 hour"),
        onFailure: fault
      })
    )
  },
  "a `retryable` that throws": {
    text: "`retryable` died",
    ids: true,
    run: Effect.zipRight(
      addMany,
      Worker.make(numbers, () => Effect.fail("no"), {
        attempts: 2,
        retry: Schedule.spaced("1 hour"),
        retryable: fault
      })
    )
  },
  "schedules that die": {
    text: "the schedule of the retries died",
    ids: true,
    run: Effect.zipRight(
      addMany,
      Worker.make(numbers, () => Effect.fail("no"), {
        attempts: 2,
        retry: Schedule.mapEffect(Schedule.spaced("1 hour"), () => Effect.sync(fault))
      })
    )
  },
  "letters that cannot be added": {
    text: "a job could not be moved to numbers.dead",
    ids: true,
    run: Effect.flatMap(DisquePool, (pool) =>
      Effect.zipRight(
        addMany,
        Effect.provideService(
          Worker.make(numbers, () => Worker.giveUp("no")),
          DisquePool,
          { ...pool, addJob: () => Effect.die(new Error("a fault of ours")) }
        )
      )
    )
  },
  "jobs that cannot be acknowledged": {
    text: "a job could not be acknowledged",
    ids: true,
    run: Effect.flatMap(DisquePool, (pool) =>
      Effect.zipRight(
        addMany,
        Effect.provideService(
          Worker.make(numbers, () => Effect.void),
          DisquePool,
          { ...pool, ackJob: () => Effect.die(new Error("a fault of ours")) }
        )
      )
    )
  }
}

const sumOf = (lines: ReadonlyArray<Line>) =>
  lines.reduce((sum, { annotations }) => sum + Number(annotations.count ?? 1), 0)

const tracesIn = (lines: ReadonlyArray<Line>) => lines.filter(({ whole }) => whole.includes("\n    at "))

describe.concurrent(`${count} times the same trouble are one line at first, and one within a minute that counts the others`, () => {
  for (const [name, { ids, run, text }] of Object.entries(kinds)) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const log = makeLog()
        const scope = yield* Scope.make()
        yield* run.pipe(Scope.extend(scope), Effect.provide(log.layer))
        for (let i = 0; i < 20; i++) yield* settle
        const said = () => log.lines.filter((line) => line.text.startsWith(text))
        assert.strictEqual(said().length, 1)
        yield* TestClock.adjust("59 seconds")
        yield* settle
        assert.strictEqual(said().length, 1)
        yield* pass("1 second")
        assert.strictEqual(said().length, 2)
        assert.strictEqual(sumOf(said()), count)
        assert.isAtMost(tracesIn(said()).length, 1)
        assert.strictEqual(tracesIn(said().slice(1)).length, 0)
        for (const { annotations, whole } of said()) {
          assert.isBelow(whole.split("\n").length, 30)
          assert.strictEqual(annotations.queue, "numbers")
          assert.strictEqual(typeof annotations.job === "string", ids)
        }
        assert.isBelow(log.lines.length, 8)
        yield* Effect.fork(Scope.close(scope, Exit.void))
        yield* pass("1 minute")
      }).pipe(Effect.provide(layer))
    )
  }
})

it.effect("what was counted is said at the close, where that comes first", () =>
  Effect.gen(function* () {
    const log = makeLog()
    const scope = yield* Scope.make()
    const funnel = yield* Funnel.make({ queues: "in" }).pipe(Scope.extend(scope), Effect.provide(log.layer))
    yield* Effect.forEach(Array.from({ length: 200 }), () =>
      Queue.offer(funnel.outgoing, { queue: "out", body, options: { retry: -1 } })
    )
    yield* pass("1 second")
    const said = () => log.lines.filter(({ text }) => text === "a job could not be added")
    assert.strictEqual(said().length, 1)
    yield* Scope.close(scope, Exit.void)
    assert.strictEqual(said().length, 2)
    assert.strictEqual(sumOf(said()), 200)
    yield* pass("1 hour")
    assert.strictEqual(said().length, 2)
  }).pipe(Effect.provide(layer))
)

it.effect("what a worker counted is said at its close with its queue and the first job", () =>
  Effect.gen(function* () {
    const log = makeLog()
    const ids = yield* addMany
    const scope = yield* Scope.make()
    yield* Worker.make(numbers, () => Effect.fail("no"), { concurrency: 1, prefetch: 1 }).pipe(
      Scope.extend(scope),
      Effect.provide(log.layer)
    )
    for (let i = 0; i < 20; i++) yield* settle
    yield* Scope.close(scope, Exit.void)
    const said = log.lines.filter(({ text }) => text.startsWith("a job failed"))
    assert.deepStrictEqual(
      said.map(({ annotations }) => [annotations.queue, annotations.job]),
      [
        ["numbers", ids[0]],
        ["numbers", ids[1]]
      ]
    )
  }).pipe(Effect.provide(layer))
)

it.effect("each queue and each kind has lines of its own", () =>
  Effect.gen(function* () {
    const log = makeLog()
    const funnel = yield* Effect.provide(Funnel.make({ queues: "in" }), log.layer)
    for (let i = 0; i < 20; i++) {
      yield* Queue.offer(funnel.outgoing, { queue: "a", body, options: { retry: -1 } })
      yield* Queue.offer(funnel.outgoing, { queue: "b", body, options: { retry: -1 } })
      yield* Queue.offer(funnel.outgoing, { queue: "b", body: new Uint8Array(), options: { replicate: 9 } })
    }
    yield* pass("10 minutes")
    const said = log.lines.filter(({ text }) => text === "a job could not be added")
    assert.strictEqual(said.length, 6)
    for (const [queue, jobs] of [
      ["a", 20],
      ["b", 40]
    ] as const) {
      assert.strictEqual(sumOf(said.filter(({ annotations }) => annotations.queue === queue)), jobs)
    }
  }).pipe(Effect.scoped, Effect.provide(layer))
)

it.effect("a recurring job that cannot be added each second is said once a minute, and at the end", () =>
  Effect.gen(function* () {
    const log = makeLog()
    const ticks = JobQueue.make("ticks", { payload: Schema.String })
    const scope = yield* Scope.make()
    yield* Recurring.run(ticks, { schedule: Schedule.spaced("1 second"), payload: Effect.dieSync(fault) }).pipe(
      Effect.forkIn(scope),
      Effect.provide(log.layer)
    )
    for (let i = 0; i < 90; i++) yield* pass("1 second")
    const said = () => log.lines.filter(({ text }) => text.startsWith("a recurring job could not be added"))
    assert.strictEqual(said().length, 2)
    yield* Scope.close(scope, Exit.void)
    assert.strictEqual(said().length, 3)
    assert.isAtLeast(sumOf(said()), 89)
    assert.strictEqual(tracesIn(said()).length, 1)
    assert.isTrue(said().every(({ annotations }) => annotations.queue === "ticks"))
  }).pipe(Effect.provide(layer))
)

it.effect("nodes that come and go every second are each said once a minute", () => {
  const log = makeLog()
  return Effect.gen(function* () {
    const disque = yield* EmbeddedDisque
    const pool = yield* DisquePool
    yield* Worker.make(numbers, () => Effect.void)
    const [first, second] = disque.nodes
    assert.isDefined(second)
    if (second === undefined) return
    for (let n = 0; n < 62; n++) {
      const [comes, goes] = n % 2 === 0 ? [second, first] : [first, second]
      if (n > 0) yield* disque.restart(comes)
      yield* disque.kill(goes)
      yield* Effect.fork(Effect.exit(numbers.add(pool, { n })))
      yield* pass("1 second")
    }
    for (const kind of ["jobs cannot be fetched from", "cannot be used at present"]) {
      const said = log.lines.filter(({ text }) => text.includes(kind))
      assert.isAtLeast(said.length, 1)
      assert.isAtMost(said.length, 6)
      assert.isAbove(sumOf(said), said.length)
    }
  }).pipe(VirtualTime.scoped, Effect.provide(clusterOf(2)), Effect.provide(log.layer))
})

it.effect("letters that cannot be put back are one line, and their number", () =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    yield* addAll(10)
    yield* Effect.scoped(
      Effect.zipRight(
        Worker.make(numbers, () => Worker.giveUp("no")),
        settle
      )
    ).pipe(Effect.provide(makeLog().layer))
    const log = makeLog()
    yield* DeadLetter.redrive(numbers).pipe(
      Effect.provideService(DisquePool, {
        ...pool,
        addJob: () => Effect.fail(new Cause.IllegalArgumentException("no")) as never,
        enqueueJob: () => Effect.fail({ message: "no" }) as never
      }),
      Effect.exit,
      Effect.provide(log.layer)
    )
    const said = log.lines.filter(({ text }) => text.includes("could not be put back"))
    assert.strictEqual(said.length, 2)
    assert.strictEqual(sumOf(said), 10)
  }).pipe(Effect.provide(layer))
)
