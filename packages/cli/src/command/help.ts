/** The help of commands, laid out for people: a usage line, a line for each argument and option, and examples. */

import { paints, type Style } from "../output/style.js"
import { pad, width } from "../output/text.js"
import { wrap } from "../wrap.js"
import { optionName, type Signature } from "./commandLine.js"
import type { Argument, Option } from "./parameters.js"

/** More columns make lines that are hard to read. */
const mostColumns = 100

/** The widest that the first column of a list may be. */
const mostNames = 30

/** What the help tells of a command. */
export interface Subject extends Signature {
  readonly summary: string
  readonly details: string | undefined
  readonly examples: ReadonlyArray<readonly [line: string, does: string]>
  readonly statuses: Readonly<Record<number, string>>
}

type Row = readonly [name: string, sentence: string]

/** A list of names and sentences: beside each other, or one below the other where there is no room. */
const rows = (all: ReadonlyArray<Row>, columns: number): string => {
  const longest = all.reduce((most, [name]) => Math.max(most, width(name) > mostNames ? 0 : width(name)), 0)
  const indent = longest + 4
  const isNarrow = columns < indent + 30
  return all
    .map(([name, sentence]) => {
      if (isNarrow || width(name) > longest) {
        const below = " ".repeat(isNarrow ? 6 : indent)
        return `  ${name}\n${wrap(below + sentence, columns)}`
      }
      const [first = "", ...rest] = wrap(" ".repeat(indent) + sentence, columns).split("\n")
      return [`  ${pad(name, longest)}  ${first.trimStart()}`, ...rest].join("\n")
    })
    .join("\n")
}

/** How an argument is written in the usage line. */
const usageOf = ({ isMany, least, value }: Argument<unknown>): string => {
  const many = isMany ? `${value}...` : value
  return least === 0 ? `[${many}]` : many
}

const sentenceOf = ({ fallback, sentence }: Pick<Option<unknown>, "fallback" | "sentence">): string =>
  fallback === undefined ? sentence : `${sentence} Default: ${fallback}.`

const nameOf = (key: string, { alias, short, value }: Option<unknown>): string => {
  const names = [
    ...(short === undefined ? [] : [`-${short}`]),
    optionName(key),
    ...(alias === undefined ? [] : [`--${alias}`])
  ]
  return `${names.join(", ")}${value === "" ? "" : ` ${value}`}`
}

/** Titles and what is below each. */
type Section = readonly [title: string, body: string]

const layout = (sections: ReadonlyArray<Section>, style: Style): string => {
  const { bold } = paints(style)
  return sections.map(([title, body]) => (title === "" ? body : `${bold(title)}\n${body}`)).join("\n\n")
}

/** The help of one command. */
export const help = (subject: Subject, style: Style): string => {
  const columns = Math.min(mostColumns, style.columns)
  const args = Object.values(subject.args)
  const options = Object.entries(subject.options)
  const groups = new Map<string, Array<Row>>()
  for (const [key, option] of options) {
    const title = option.group ?? "Options"
    groups.set(title, [...(groups.get(title) ?? []), [nameOf(key, option), sentenceOf(option)]])
  }
  groups.set("Options", [...(groups.get("Options") ?? []), ["-h, --help", "Show this help."]])
  const usage = ["disco", subject.path, ...args.map(usageOf), "[options]"].join(" ")
  const sections: Array<Section> = [
    ["", wrap(`${subject.summary}.${subject.details === undefined ? "" : `\n\n${subject.details}`}`, columns)],
    ["Usage", wrap(`  ${usage}`, columns, 4)]
  ]
  if (args.length > 0)
    sections.push([
      "Arguments",
      rows(
        args.map((each) => [usageOf(each), sentenceOf(each)]),
        columns
      )
    ])
  const own = groups.get("Options") ?? []
  sections.push(["Options", rows(own, columns)])
  for (const [title, of] of groups) if (title !== "Options") sections.push([title, rows(of, columns)])
  if (subject.examples.length > 0) {
    sections.push(["Examples", rows(subject.examples, columns)])
  }
  const statuses = Object.entries(subject.statuses)
  if (statuses.length > 0) sections.push(["Exit status", rows(statuses, columns)])
  return layout(sections, style)
}

/** The commands that there are, in groups. */
export interface Listing {
  readonly path: string
  readonly summary: string
  readonly groups: ReadonlyArray<readonly [title: string, commands: ReadonlyArray<Row>]>
  readonly options: ReadonlyArray<Row>
  readonly end: string
}

/** The help of a word that has commands behind it. */
export const listing = ({ end, groups, options, path, summary }: Listing, style: Style): string => {
  const columns = Math.min(mostColumns, style.columns)
  const usage = [...(path === "" ? ["disco"] : ["disco", path]), "COMMAND", "[options]"].join(" ")
  return layout(
    [
      ["", wrap(`${summary}.`, columns)],
      ["Usage", `  ${usage}`],
      ...groups.map(([title, commands]): Section => [title, rows(commands, columns)]),
      ["Options", rows(options, columns)],
      ["", wrap(end, columns)]
    ],
    style
  )
}
