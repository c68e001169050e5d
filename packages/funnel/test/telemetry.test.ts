import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Metrics as CoreMetrics, DisquePool, JobQueue } from "@disco/core"
import { forgetQueues } from "@disco/core/internal"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Metric, MetricState, Schedule, Schema, Stream } from "effect"
import { Funnel, Metrics, Worker } from "../src/index.js"
import { makeLog } from "./utils/logs.js"
import { layer } from "./utils/nodes.js"
import { pass, settle } from "./utils/time.js"
import { makeTracer } from "./utils/tracer.js"

const at = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** The cells of the rows of `docs/telemetry.md` under a heading of a table. */
const table = (heading: string): ReadonlyArray<ReadonlyArray<string>> => {
  const lines = readFileSync(at("docs/telemetry.md"), "utf8").split("\n")
  const first = lines.findIndex((line) => line.startsWith(`| ${heading} |`))
  assert.isAtLeast(first, 0)
  const rest = lines.slice(first + 2)
  return rest.slice(0, rest.indexOf("")).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim())
  )
}

/** The words of a cell that are code. */
const codes = (cell = ""): ReadonlyArray<string> => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => String(code))

const sources = (): ReadonlyArray<string> =>
  readdirSync(at("packages"), { recursive: true, encoding: "utf8" })
    .filter((path) => /^[^/]+\/src\/.*\.ts$/.test(path))
    .map((path) => readFileSync(at(`packages/${path}`), "utf8"))

/** The series of a metric, or those of queues whose name begins so: other tests of this process count too. */
const seriesOf = (name: string, queues = "") =>
  Effect.map(Metric.snapshot, (pairs) =>
    pairs
      .map(({ metricKey, metricState }) => ({
        name: metricKey.name,
        labels: new Map(metricKey.tags.map(({ key, value }) => [key, value])),
        count: MetricState.isCounterState(metricState) ? Number(metricState.count) : 0
      }))
      .filter(
        (series) => series.name === name && (series.labels.get("messaging.destination.name") ?? "").startsWith(queues)
      )
  )

/** The sum over all series of a counter, as a dashboard adds them up. */
const sumOf = (name: string, queues: string) =>
  Effect.map(seriesOf(name, queues), (series) => series.reduce((sum, { count }) => sum + count, 0))

describe.concurrent("the metrics", () => {
  // Only so many queues of a process are counted by their names, and the tests of other files use many.
  beforeAll(forgetQueues)

  it.effect("add up: one delivery for each job that is received, one outcome for each attempt of a worker", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const worked = JobQueue.make("sum-worked", { payload: Schema.Number, options: { retry: "1 minute" } })
      yield* Effect.forEach([1, 2, 3, 4, 5], (n) => worked.add(pool, n), { discard: true })
      yield* Effect.forEach([1, 2, 3], () => pool.addJob("sum-plain", "x"), { discard: true })
      let attempts = 0
      yield* Worker.make(
        worked,
        (n, { attempt }) => {
          attempts += 1
          return n <= 2 && attempt === 1 ? Effect.fail("not yet") : Effect.void
        },
        { concurrency: 2, retry: Schedule.spaced("1 second") }
      )
      const funnel = yield* Funnel.make({ queues: "sum-plain" })
      yield* Stream.runDrain(Stream.take(funnel.incoming, 3))
      yield* pass("1 second")
      assert.strictEqual(attempts, 7)
      // Five jobs were delivered to the worker, and three to the funnel.
      assert.strictEqual(yield* sumOf("messaging.client.consumed.messages", "sum-"), 5 + 3)
      assert.strictEqual(yield* sumOf("disco.worker.jobs", "sum-"), attempts)
    }).pipe(Effect.scoped, Effect.provide(makeLog().layer), Effect.provide(layer))
  )

  it("are those in the table of the documents", () => {
    const documented = table("metric").map(([name, kind]) => [codes(name)[0], kind])
    const defined = sources().flatMap((source) =>
      [...source.matchAll(/Metric\.(counter|gauge|histogram|summary|frequency|timer)\w*\(\s*"([^"]+)"/g)].map(
        ([, kind, name]) => [name, kind]
      )
    )
    assert.sameDeepMembers(documented, defined)
    assert.lengthOf(defined, Object.keys(CoreMetrics).length + Object.keys(Metrics).length)
  })
})

describe.concurrent("spans and metrics", () => {
  it.effect("have the names and attributes in the tables of the documents", () =>
    Effect.gen(function* () {
      const tracer = makeTracer()
      const queue = JobQueue.make("documented", { payload: Schema.Number, options: { retry: "1 minute" } })
      yield* Effect.gen(function* () {
        const pool = yield* DisquePool
        yield* Effect.forEach([1, 2, 3], (n) => queue.add(pool, n), { discard: true })
        yield* pool.queueLength("documented")
        yield* pool.server.info()
        yield* Effect.either(pool.addJob("documented", "x", { replicate: 3, timeout: "1 second" }))
        const jobs = yield* pool.getJobs("documented", { count: 2, timeout: 0 })
        yield* pool.ackJob(jobs)
        yield* Worker.make(queue, () => Effect.void)
        yield* settle
      }).pipe(Effect.scoped, Effect.provide(tracer.layer))

      const rows = table("span").map(([name, kind]) => ({ name: codes(name)[0] ?? "", kind: kind ?? "" }))
      const named = new Set(rows.map(({ name }) => name))
      const rowOf = (name: string): string => {
        const general = name.replace(/ documented$/, " <queue>")
        return named.has(general) ? general : general.includes(" ") ? "<command> <queue>" : "<command>"
      }
      const made = new Map(tracer.spans.map(({ kind, name }) => [rowOf(name), kind]))
      assert.sameDeepMembers(
        rows.map(({ kind, name }) => [name, kind]),
        [...made]
      )
      const attributes = new Set(tracer.spans.flatMap(({ attributes }) => [...attributes.keys()]))
      assert.sameMembers(
        table("attribute").flatMap(([name]) => codes(name)),
        [...attributes]
      )
      for (const [name, , , labels] of table("metric")) {
        const documented = new Set(codes(labels))
        const series = yield* seriesOf(codes(name)[0] ?? "")
        for (const label of series.flatMap(({ labels }) => [...labels.keys()])) assert.include([...documented], label)
      }
    }).pipe(Effect.provide(makeLog().layer), Effect.provide(layer))
  )
})
