/** An open job: its timeline, its copies and its body. */
import { JobId } from "@disco/core"
import { type Story, storyOf, type TimedCopy } from "@disco/core/internal"
import * as Duration from "effect/Duration"
import { timeline } from "../jobs/timeline.js"
import { textOf } from "../output/fields.js"
import { age, counted, list, size } from "../output/format.js"
import { paints, type Style } from "../output/style.js"
import { cut, plain, printable, width } from "../output/text.js"
import { broken, line, type Span, sentences } from "./line.js"
import type { JobDetail, JobPage } from "./model.js"

/** The most of a body that is shown, in bytes. */
const mostShown = 16_384

const hexColumns = 16

const hex = (body: Uint8Array): ReadonlyArray<string> =>
  Array.from({ length: Math.ceil(body.length / hexColumns) }, (_, i) => {
    const bytes = body.subarray(i * hexColumns, (i + 1) * hexColumns)
    const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ")
    return `${(i * hexColumns).toString(16).padStart(6, "0")}  ${digits}`
  })

const pretty = (text: string): string => {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2)
  } catch {
    return text
  }
}

/** A body in lines: text, laid out if it is JSON, or bytes in hex digits. */
const bodyLines = (body: Uint8Array, columns: number): ReadonlyArray<string> => {
  if (body.length > mostShown) {
    const rest = `… and ${size(body.length - mostShown)} more: disco show has all of it`
    // The end of the part may be in the middle of a character.
    const text = textOf(body) === undefined ? undefined : new TextDecoder().decode(body.subarray(0, mostShown))
    return [...(text === undefined ? hex(body.subarray(0, mostShown)) : textLines(text, columns)), rest]
  }
  const text = textOf(body)
  return text === undefined ? hex(body) : textLines(pretty(text), columns)
}

const textLines = (text: string, columns: number): ReadonlyArray<string> =>
  text.split(/\r?\n/).flatMap((each) => broken(printable(each.replaceAll("\t", "  ")), columns))

const facts = (
  { copies, main: { info }, stateText }: Story,
  silent: ReadonlyArray<string>
): ReadonlyArray<readonly [string, string]> => {
  const holders = copies.filter(({ info }) => info.queue !== null).map(({ node }) => node.address)
  const retry = Duration.toMillis(info.retry)
  return [
    ["Queue", info.queue === null ? "" : printable(info.queue)],
    ["State", stateText],
    ["Retry", retry === 0 ? "never: at most one delivery" : `after ${age(retry)} without an acknowledgement`],
    [
      "Deliveries",
      `${counted(info.nacks, "NACK")}, ${counted(info.additionalDeliveries, "additional delivery", "additional deliveries")}`
    ],
    ["Copies", `${holders.length} of ${info.replicate} asked for: ${list(holders)}`],
    ...silent.map((text) => ["Silent", text] as const)
  ]
}

const copiesOf = ({ at, nodes }: JobDetail): ReadonlyArray<TimedCopy> =>
  nodes.flatMap(({ info, node }) =>
    info === undefined ? [] : [{ node: { address: node, id: undefined }, info, now: at }]
  )

/** All lines of the page, of which as many are seen as there is room for. */
export const jobLines = ({ detail, id }: JobPage, style: Style): ReadonlyArray<string> => {
  const { bold, dim, red } = paints(style)
  const { columns } = style
  const title = line([[printable(id), bold]], columns)
  if (detail === undefined) return [title, line([["asking the nodes …", dim]], columns)]
  const [first, ...others] = copiesOf(detail)
  const silent = detail.nodes.flatMap(({ error, node }) => (error === undefined ? [] : [`${node}: ${error}`]))
  if (first === undefined) {
    const text =
      silent.length === 0
        ? "No node knows this job any more: it was acknowledged or deleted, or its TTL has ended."
        : `No node that answers knows this job. ${list(silent)}`
    return [title, ...sentences(printable(text), columns)]
  }
  const story = storyOf(JobId.make(id), [first, ...others])
  const rows: ReadonlyArray<ReadonlyArray<Span>> = facts(story, silent).map(([name, value]) => [
    [name.padEnd(12), dim],
    [value, name === "Silent" ? red : (text) => text]
  ])
  const times = timeline(story.events, style).map((text) => (width(text) > columns ? cut(plain(text), columns) : text))
  const { body } = story.main.info
  return [
    title,
    ...rows.map((spans) => line(spans, columns)),
    "",
    line([["Timeline (UTC)", bold]], columns),
    ...times,
    "",
    line([[body === null ? "The body is not known" : `Body, ${size(body.length)}`, bold]], columns),
    ...(body === null ? [] : bodyLines(body, columns)).map((text) => line([text], columns))
  ]
}
