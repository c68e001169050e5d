import { DisquePool, JobQueue } from "@disco/core"
import { EmbeddedDisque, VirtualTime } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { Worker } from "../../src/index.js"

const queue = JobQueue.make("reporting-films", { payload: Schema.String })

const nodes = EmbeddedDisque.layerPool

const own = (reports: ReadonlyArray<Worker.Reporting.Report>, name = queue.name) =>
  reports.filter((report) => report.queue === name)

describe.sequential("Worker.Reporting", () => {
  it.effect("adds one report for each worker in 5 seconds, which are gone after three of them", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* Worker.make(queue, () => Effect.sleep("1 second"), { concurrency: 2 })
      const reports = Effect.map(Worker.Reporting.peek(pool, "reports-1"), own)
      yield* Layer.build(Worker.Reporting.layer({ program: "films on web-1", queue: "reports-1" }))
      yield* pool.addJob(queue.name, '"alien"')
      yield* Effect.sleep("12 seconds")
      const seen = yield* reports
      assert.deepStrictEqual(
        seen.map(({ at }) => at - (seen.at(-1)?.at ?? 0)),
        [10_000, 5000, 0]
      )
      assert.deepInclude(seen[0], {
        program: "films on web-1",
        concurrency: 2,
        busy: 0,
        succeeded: 1,
        failed: 0,
        every: 5000
      })
      assert.isNumber(seen[0]?.lastFetch)
      yield* Effect.sleep("5 minutes")
      assert.isAtMost((yield* reports).length, 4)
    }).pipe(VirtualTime.scoped, VirtualTime.run, Effect.provide(nodes))
  )

  it.effect("tells of jobs that fail and are given up, of a pause, and no more of a worker that has closed", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const name = "reporting-songs"
      const songs = JobQueue.make(name, { payload: Schema.String })
      const figures = Effect.map(Worker.running, (all) => all.filter((each) => each.queue === name))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const worker = yield* Worker.make(songs, () => Effect.fail("no"), { attempts: 1 })
          yield* pool.addJob(name, '"yesterday"')
          yield* Effect.sleep("1 second")
          assert.containSubset(yield* figures, [{ failed: 1, dead: 1, succeeded: 0, isPaused: false }])
          yield* worker.pause
          assert.containSubset(yield* figures, [{ isPaused: true }])
        })
      )
      assert.deepStrictEqual(yield* figures, [])
    }).pipe(VirtualTime.run, Effect.provide(nodes))
  )

  it.effect("goes on where reports are refused, and reads past what is none", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* Worker.make(queue, () => Effect.void)
      yield* pool.pause("reports-2", "in")
      yield* Layer.build(Worker.Reporting.layer({ queue: "reports-2" }))
      yield* Effect.sleep("7 seconds")
      yield* pool.pause("reports-2", "none")
      yield* pool.addJob("reports-2", "nonsense")
      yield* Effect.sleep("5 seconds")
      const seen = own(yield* Worker.Reporting.peek(pool, "reports-2"))
      assert.isAtLeast(seen.length, 1)
    }).pipe(VirtualTime.scoped, VirtualTime.run, Effect.provide(nodes))
  )

  it.effect("refuses reports that come too often, and names the option", () =>
    Effect.gen(function* () {
      for (const every of ["4 seconds", "5500 millis"] as const) {
        const error = yield* Effect.scoped(Effect.flip(Layer.build(Worker.Reporting.layer({ every }))))
        assert.strictEqual(error._tag, "InvalidArgument")
        assert.include(error.message, "every")
      }
    }).pipe(Effect.provide(nodes))
  )
})
