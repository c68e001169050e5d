import { DisquePool } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, beforeEach, describe, it } from "@effect/vitest"
import { Effect, Fiber, FiberRef, Layer, Logger, LogLevel, Schedule } from "effect"
import { Recurring } from "../../src/index.js"
import { makeLog } from "../utils/logs.js"
import { layer } from "../utils/nodes.js"
import { pass } from "../utils/time.js"
import { reports, timed } from "./utils.js"

describe.sequential("a payload", () => {
  /** What a logger of Effect's makes of it. */
  const lines: Array<string> = []
  const strings = Logger.replace(
    Logger.defaultLogger,
    Logger.map(Logger.stringLogger, (line) => {
      lines.push(line)
    })
  ).pipe(Layer.merge(Logger.minimumLogLevel(LogLevel.Debug)))
  beforeEach(() => {
    lines.length = 0
  })

  class Unreadable {
    readonly own = this
    readonly big = 1n
    toString(): string {
      throw new Error("no words")
    }
    toJSON(): unknown {
      throw new Error("no JSON")
    }
  }

  const circular: Record<string, unknown> = { big: 1n }
  circular.self = circular

  for (const [what, payload] of [
    ["fails", Effect.fail("no report")],
    ["fails with what has no JSON", Effect.fail(circular)],
    ["fails with what has no words", Effect.fail(new Unreadable())],
    ["dies of what has no words", Effect.die(new Unreadable())],
    ["dies of an object without a prototype", Effect.die(Object.create(null))],
    [
      "throws",
      Effect.suspend((): Effect.Effect<string> => {
        throw new Error("thrown")
      })
    ],
    ["interrupts itself", Effect.interrupt],
    [
      "interrupts its fiber",
      Effect.withFiberRuntime<string>((fiber) => Effect.zipRight(Fiber.interruptFork(fiber), Effect.never))
    ]
  ] as ReadonlyArray<readonly [string, Effect.Effect<string, unknown>]>) {
    it.effect(`that ${what} is reported, and the next job is added`, () =>
      Effect.gen(function* () {
        const pool = yield* DisquePool
        let n = 0
        const schedule = Schedule.spaced("1 hour")
        const first = Effect.suspend(() => (n++ === 0 ? payload : Effect.succeed("x")))
        yield* Effect.fork(Recurring.run(reports, { schedule, payload: first }))
        yield* pass("1 hour")
        assert.strictEqual(lines.length, 1)
        assert.include(lines[0], "level=ERROR")
        assert.include(lines[0], "a recurring job could not be added: ")
        assert.include(lines[0], "queue=reports")
        yield* pass("1 hour")
        assert.strictEqual(yield* pool.queueLength("reports"), 1)
      }).pipe(Effect.provide(strings), Effect.provide(EmbeddedDisque.layerPool))
    )
  }

  it.effect("that fails does not end anything where the logger dies of it", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      let n = 0
      const payload = Effect.suspend(() => (n++ === 0 ? Effect.fail("no report") : Effect.succeed("x")))
      const fatal = Logger.replace(
        Logger.defaultLogger,
        Logger.make(() => {
          throw new Error("no log")
        })
      )
      const running = Recurring.run(reports, { schedule: Schedule.spaced("1 hour"), payload })
      yield* Effect.fork(Effect.provide(running, fatal))
      yield* pass("1 hour")
      yield* pass("1 hour")
      assert.strictEqual(yield* pool.queueLength("reports"), 1)
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("leaves nothing to the next", () =>
    Effect.gen(function* () {
      const ref = FiberRef.unsafeMake(0)
      const seen: Array<number> = []
      const payload = Effect.as(
        FiberRef.updateAndGet(ref, (n) => n + 1).pipe(Effect.tap((n) => Effect.sync(() => seen.push(n)))),
        "x"
      )
      yield* Effect.fork(Recurring.run(reports, { schedule: Schedule.spaced("1 hour"), payload }))
      for (let i = 0; i < 3; i++) yield* pass("1 hour")
      assert.deepStrictEqual(seen, [1, 1, 1])
    }).pipe(Effect.provide(EmbeddedDisque.layerPool))
  )

  it.effect("that cannot be added for a minute is reported and left out", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      const pool = yield* DisquePool
      const [node] = disque.nodes
      const log = makeLog()
      const { payload, times } = timed()
      const running = Recurring.run(reports, { schedule: Schedule.spaced("1 hour"), payload })
      yield* Effect.fork(Effect.provide(running, log.layer))
      yield* pass("1 minute")
      yield* disque.kill(node)
      yield* pass("1 hour")
      yield* pass("10 minutes")
      assert.isTrue(log.lines.some((line) => line.text.startsWith("a recurring job could not be added: ")))
      yield* disque.restart(node)
      yield* pass("1 hour")
      assert.strictEqual(times.length, 2)
      assert.strictEqual(yield* pool.queueLength("reports"), 1)
    }).pipe(Effect.provide(layer))
  )
})
