import { Prometheus } from "@disco/core/internal"
import { assert, it } from "@effect/vitest"
import { Effect, Metric, MetricBoundaries } from "effect"
import { families } from "../../src/probes/metrics.js"

/** The lines about metrics whose names begin so. */
const lines = (prefix: string) =>
  Effect.map(families, (all) =>
    Prometheus.text(all)
      .split("\n")
      .filter((line) => new RegExp(`^(# \\w+ )?${prefix}`).test(line))
  )

it.effect("counters and gauges have their labels, and a name that Prometheus takes", () =>
  Effect.gen(function* () {
    const counter = Metric.counter("text.a.jobs", { description: "Jobs\nadded" })
    yield* Metric.increment(Metric.tagged(counter, "messaging.destination.name", 'a "b" \\'))
    yield* Metric.incrementBy(Metric.tagged(counter, "unit", "1"), 2)
    yield* Metric.set(Metric.gauge("text.a.room", { bigint: true }), 9007199254740993n)
    assert.sameMembers(yield* lines("text_a_"), [
      "# HELP text_a_jobs Jobs\\nadded",
      "# TYPE text_a_jobs counter",
      'text_a_jobs{messaging_destination_name="a \\"b\\" \\\\"} 1',
      "text_a_jobs 2",
      "# TYPE text_a_room gauge",
      "text_a_room 9007199254740993"
    ])
  })
)

it.effect("a histogram has cumulative buckets, the last of them for all", () =>
  Effect.gen(function* () {
    const took = Metric.histogram("text.b.took", MetricBoundaries.fromIterable([0.1, 1]), "In seconds")
    yield* Effect.forEach([0.05, 0.5, 5], (value) => Metric.update(took, value))
    assert.deepStrictEqual(yield* lines("text_b_"), [
      "# HELP text_b_took In seconds",
      "# TYPE text_b_took histogram",
      'text_b_took_bucket{le="0.1"} 1',
      'text_b_took_bucket{le="1"} 2',
      'text_b_took_bucket{le="+Inf"} 3',
      "text_b_took_sum 5.55",
      "text_b_took_count 3"
    ])
  })
)

it.effect("a summary has its quantiles, and a frequency a series for each word", () =>
  Effect.gen(function* () {
    const summary = Metric.summary({
      name: "text.c.size",
      maxAge: "1 day",
      maxSize: 10,
      error: 0.01,
      quantiles: [0.5]
    })
    yield* Effect.forEach([2, 2, 2], (value) => Metric.update(summary, value))
    yield* Metric.update(Metric.frequency("text.c.words"), "busy")
    assert.sameMembers(yield* lines("text_c_"), [
      "# TYPE text_c_size summary",
      'text_c_size{quantile="0.5"} 2',
      "text_c_size_sum 6",
      "text_c_size_count 3",
      "# TYPE text_c_words counter",
      'text_c_words{key="busy"} 1'
    ])
  })
)

it.effect("metrics of two kinds under one name are told apart", () =>
  Effect.gen(function* () {
    yield* Metric.increment(Metric.counter("text.d"))
    yield* Metric.set(Metric.gauge("text.d"), 7)
    const types = (yield* lines("text_d")).filter((line) => line.startsWith("# TYPE"))
    assert.strictEqual(new Set(types.map((line) => line.split(" ")[2])).size, 2)
  })
)
