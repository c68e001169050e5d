/** The metrics of Effect as families of Prometheus. */
import type { Prometheus } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as MetricLabel from "effect/MetricLabel"
import type * as MetricPair from "effect/MetricPair"
import * as MetricState from "effect/MetricState"
import * as Option from "effect/Option"

type Family = Prometheus.Family

/** A name that Prometheus takes: a dot becomes `_`. */
const nameOf = (name: string): string => name.replace(/[^a-zA-Z0-9_:]/g, "_").replace(/^(?=\d)/, "_")

// How exporters of OpenTelemetry name units: it says nothing of the series.
const units: ReadonlySet<string> = new Set(["unit", "time_unit"])

const labelsOf = (labels: ReadonlyArray<MetricLabel.MetricLabel>): Prometheus.Labels =>
  Object.fromEntries(
    labels.filter(({ key }) => !units.has(key)).map(({ key, value }) => [nameOf(key).replaceAll(":", "_"), value])
  )

/** The kind of a metric, and its values under these labels. */
const read = (
  state: MetricState.MetricState.Untyped,
  labels: Prometheus.Labels
): readonly [Family["type"], ReadonlyArray<Prometheus.Sample>] => {
  if (MetricState.isCounterState(state)) return ["counter", [[labels, state.count]]]
  if (MetricState.isFrequencyState(state)) {
    return ["counter", Array.from(state.occurrences, ([key, count]) => [{ ...labels, key }, count] as const)]
  }
  if (MetricState.isHistogramState(state)) {
    const finite = state.buckets.filter(([boundary]) => Number.isFinite(boundary))
    const buckets = [...finite.map(([le, count]) => [String(le), count] as const), ["+Inf", state.count] as const]
    return [
      "histogram",
      [
        ...buckets.map(([le, count]) => [{ ...labels, le }, count, "_bucket"] as const),
        [labels, state.sum, "_sum"],
        [labels, state.count, "_count"]
      ]
    ]
  }
  if (MetricState.isSummaryState(state)) {
    return [
      "summary",
      [
        ...state.quantiles.map(
          ([quantile, value]) => [{ ...labels, quantile: String(quantile) }, Option.getOrUndefined(value)] as const
        ),
        [labels, state.sum, "_sum"],
        [labels, state.count, "_count"]
      ]
    ]
  }
  return MetricState.isGaugeState(state) ? ["gauge", [[labels, state.value]]] : ["gauge", []]
}

/** All series of a name together, as Prometheus wants them. */
const familiesOf = (pairs: ReadonlyArray<MetricPair.MetricPair.Untyped>): ReadonlyArray<Family> => {
  const families = new Map<string, Family>()
  for (const { metricKey, metricState } of pairs) {
    const [type, samples] = read(metricState, labelsOf(metricKey.tags))
    const plain = nameOf(metricKey.name)
    // In Effect, metrics of two kinds may have the same name.
    const name = (families.get(plain)?.type ?? type) === type ? plain : `${plain}_${type}`
    const { help, samples: before } = families.get(name) ?? { help: "", samples: [] }
    const described = help === "" ? Option.getOrElse(metricKey.description, () => "") : help
    families.set(name, { name, type, help: described, samples: [...before, ...samples] })
  }
  return [...families.values()]
}

/** The metrics of this process. */
export const families: Effect.Effect<ReadonlyArray<Family>> = Effect.map(Metric.snapshot, familiesOf)
