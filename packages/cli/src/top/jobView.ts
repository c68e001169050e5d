/** An open job: its timeline, its copies and its body. */
import type { Job } from "@disco/core"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import { textOf } from "../output/fields.js"
import { age, counted, list, size } from "../output/format.js"
import { paints, type Style } from "../output/style.js"
import { printable } from "../output/text.js"
import { broken, line, type Span, sentences } from "./line.js"
import type { JobDetail, JobOnNode, JobPage } from "./model.js"

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

const clock = (millis: number): string => DateTime.formatIso(DateTime.unsafeMake(millis)).replace("T", " ").slice(0, 19)

type Moment = readonly [at: number, what: string]

/** What has happened to a job and what will, by what the nodes say. */
const moments = (info: Job.JobInfo, { at, nodes }: JobDetail): ReadonlyArray<Moment> => {
  const created = Number(info.ctime / 1_000_000n)
  const delay = Duration.toMillis(info.delay)
  const all: Array<Moment> = [[created, "added"]]
  if (delay > 0) all.push([created + delay, "its delay ends"])
  for (const { info, node } of nodes) {
    if (info === undefined) continue
    const { nextRequeueWithin, state } = info
    all.push([at, `${said[state]} on ${node}`])
    if (nextRequeueWithin !== null && state === "active") {
      all.push([at + Duration.toMillis(nextRequeueWithin), `queued again by ${node}, unless it is acknowledged`])
    }
  }
  all.push([at + Duration.toMillis(info.ttl), "deleted: its TTL ends"])
  return all.sort(([a], [b]) => a - b)
}

const said = {
  "wait-repl": "waits for its copies",
  active: "delivered, delayed, or a copy",
  queued: "in its queue",
  acked: "acknowledged"
} as const

const when = (time: number, now: number): string => {
  if (Math.abs(time - now) < 1000) return "now"
  return time < now ? `${age(now - time)} ago` : `in ${age(time - now)}`
}

const facts = (info: Job.JobInfo, nodes: ReadonlyArray<JobOnNode>): ReadonlyArray<readonly [string, string]> => {
  const holders = nodes.flatMap(({ info, node }) => (info === undefined ? [] : [node]))
  const silent = nodes.flatMap(({ error, node }) => (error === undefined ? [] : [`${node}: ${error}`]))
  const retry = Duration.toMillis(info.retry)
  return [
    ["Queue", info.queue === null ? "" : printable(info.queue)],
    ["Retry", retry === 0 ? "never: at most one delivery" : `after ${age(retry)} without an acknowledgement`],
    [
      "Deliveries",
      `${counted(info.nacks, "NACK")}, ${counted(info.additionalDeliveries, "additional delivery", "additional deliveries")}`
    ],
    ["Copies", `${holders.length} of ${info.replicate} asked for: ${list(holders)}`],
    ...silent.map((text) => ["Silent", text] as const)
  ]
}

/** The node that knows most: one where the job waits, or else the one that has its body. */
const best = (nodes: ReadonlyArray<JobOnNode>): Job.JobInfo | undefined =>
  nodes.find(({ info }) => info?.state === "queued")?.info ??
  nodes.find(({ info }) => info?.body != null)?.info ??
  nodes.find(({ info }) => info !== undefined)?.info

/** All lines of the page, of which as many are seen as there is room for. */
export const jobLines = ({ detail, id }: JobPage, style: Style): ReadonlyArray<string> => {
  const { bold, dim, red } = paints(style)
  const { columns } = style
  const title = line([[printable(id), bold]], columns)
  if (detail === undefined) return [title, line([["asking the nodes …", dim]], columns)]
  const info = best(detail.nodes)
  const silent = detail.nodes.flatMap(({ error, node }) => (error === undefined ? [] : [`${node}: ${error}`]))
  if (info === undefined) {
    const text =
      silent.length === 0
        ? "No node knows this job any more: it was acknowledged or deleted, or its TTL has ended."
        : `No node that answers knows this job. ${list(silent)}`
    return [title, ...sentences(printable(text), columns)]
  }
  const rows: ReadonlyArray<ReadonlyArray<Span>> = facts(info, detail.nodes).map(([name, value]) => [
    [name.padEnd(12), dim],
    [value, name === "Silent" ? red : (text) => text]
  ])
  const times: ReadonlyArray<ReadonlyArray<Span>> = moments(info, detail).map(([time, what]) => [
    [`${clock(time)}  `, dim],
    when(time, detail.at).padEnd(14),
    what
  ])
  const { body } = info
  return [
    title,
    ...rows.map((spans) => line(spans, columns)),
    "",
    line([["Timeline (UTC)", bold]], columns),
    ...times.map((spans) => line(spans, columns)),
    "",
    line([[body === null ? "The body is not known" : `Body, ${size(body.length)}`, bold]], columns),
    ...(body === null ? [] : bodyLines(body, columns)).map((text) => line([text], columns))
  ]
}
