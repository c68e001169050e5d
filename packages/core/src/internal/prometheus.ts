/** The text format of Prometheus. */

export type Labels = Readonly<Record<string, string>>

/** A value, and what the name of the metric is followed by: `_bucket` of a histogram. */
export type Sample = readonly [labels: Labels, value: number | bigint | string | null | undefined, suffix?: string]

/** A metric with all its series. One without a value is left out. */
export interface Family {
  readonly name: string
  readonly type: "counter" | "gauge" | "histogram" | "summary"
  readonly help: string
  readonly samples: ReadonlyArray<Sample>
}

/** The type of the text, for HTTP. */
export const contentType = "text/plain; version=0.0.4; charset=utf-8"

const escapedHelp = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")

const escaped = (value: string): string => escapedHelp(value).replaceAll('"', '\\"')

const labelsOf = (labels: Labels): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value.toWellFormed())}"`)
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`
}

const figureOf = (value: number | bigint | string): string =>
  value === Number.POSITIVE_INFINITY ? "+Inf" : value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value)

const textOf = ({ help, name, samples, type }: Family): string => {
  const lines = samples.flatMap(([labels, value, suffix = ""]) =>
    value === null || value === undefined ? [] : [`${name}${suffix}${labelsOf(labels)} ${figureOf(value)}\n`]
  )
  if (lines.length === 0) return ""
  const told = help === "" ? "" : `# HELP ${name} ${escapedHelp(help.toWellFormed())}\n`
  return `${told}# TYPE ${name} ${type}\n${lines.join("")}`
}

/** The metrics as one text. */
export const text = (families: ReadonlyArray<Family>): string => families.map(textOf).join("")
