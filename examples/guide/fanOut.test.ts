import { DisquePool, JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"

const imports = JobQueue.make("imports", { payload: Schema.Struct({ id: Schema.String, rows: Schema.Number }) })
const parts = JobQueue.make("parts", {
  payload: Schema.Struct({ import: Schema.String, row: Schema.Number, of: Schema.Number })
})
const reports = JobQueue.make("reports", { payload: Schema.Struct({ import: Schema.String }) })

/** Which rows are done. In a program this is a table: a set of rows bears that a part is done twice, a counter does not. */
const done = new Map<string, Set<number>>()

const Importing = Worker.layer(imports, ({ id, rows }) =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.forEach(
      Array.from({ length: rows }, (_, row) => row),
      (row) => parts.add(pool, { import: id, row, of: rows }),
      { concurrency: 16, discard: true }
    )
  )
)

const DoingParts = Worker.layer(
  parts,
  ({ import: id, of, row }) =>
    Effect.gen(function* () {
      const rows = done.get(id) ?? new Set()
      done.set(id, rows.add(row))
      if (rows.size === of) yield* reports.add(yield* DisquePool, { import: id })
    }),
  { concurrency: 4 }
)

it.effect("an import is reported once all of its rows are done", () =>
  Effect.gen(function* () {
    yield* imports.add(yield* DisquePool, { id: "monday", rows: 100 })
    yield* DiscoTest.expectEnqueued(reports, { payload: { import: "monday" } })
    assert.strictEqual((yield* DiscoTest.acknowledged(parts)).length, 100)
  }).pipe(Effect.provide(Layer.merge(Importing, DoingParts)), Effect.provide(DiscoTest.layer()))
)
