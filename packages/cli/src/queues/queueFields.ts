/** A queue of the cluster, as commands print it. */
import { Cluster } from "@disco/core"
import * as Schema from "effect/Schema"
import { Count, Digits, Seconds, seconds } from "../output/fields.js"
import type { Paint, Paints } from "../output/style.js"

const Rate = Schema.Number.annotations({ description: "jobs a second" })

export const PauseField = Schema.Literal("none", "in", "out", "all")

export const Badge = Schema.Literal("no consumers", "partly paused", "paused", "growing")

export const QueueFields = Schema.Struct({
  name: Schema.String,
  badges: Schema.Array(Badge).annotations({ description: "what is wrong, the worst first" }),
  length: Count.annotations({ description: "jobs that wait, on all nodes" }),
  oldest: Schema.NullOr(Seconds).annotations({ description: "seconds since the oldest job that waits was added" }),
  in: Schema.NullOr(Rate).annotations({ description: "jobs a second that came in; null without a sample" }),
  out: Schema.NullOr(Rate).annotations({ description: "jobs a second that went out; null without a sample" }),
  imported: Schema.NullOr(Rate).annotations({ description: "jobs a second that went from node to node" }),
  blocked: Count.annotations({ description: "clients that wait for a job" }),
  pause: PauseField.annotations({ description: "what is paused on at least one node" }),
  pauses: Schema.Array(Schema.Struct({ node: Schema.String, pause: PauseField })),
  jobsIn: Digits.annotations({ description: "jobs that were queued since the nodes know the queue, in digits" }),
  jobsOut: Digits.annotations({ description: "jobs that were delivered since the nodes know the queue, in digits" })
})

export type QueueFields = typeof QueueFields.Type

/** A figure with two digits behind the point. */
const rounded = (value: number): number => Math.round(value * 100) / 100

export const queueFields = (queue: Cluster.ClusterQueue): QueueFields => ({
  name: queue.name,
  badges: Cluster.badges(queue),
  length: queue.length,
  oldest: queue.oldest === undefined ? null : seconds(queue.oldest),
  in: queue.rates === undefined ? null : rounded(queue.rates.in),
  out: queue.rates === undefined ? null : rounded(queue.rates.out),
  imported: queue.rates === undefined ? null : rounded(queue.rates.imported),
  blocked: queue.blocked,
  pause: queue.pause,
  pauses: queue.pauses.map(({ node, pause }) => ({ node, pause })),
  jobsIn: queue.jobsIn,
  jobsOut: queue.jobsOut
})

const words = { none: "", in: "in", out: "out", all: "in and out" } as const

/** What is paused, and where if it is not so everywhere: `out`, `in on 1 of 3`. */
export const pausedWhere = ({ pause, pauses }: Pick<QueueFields, "pause" | "pauses">): string => {
  const paused = pauses.filter((each) => each.pause !== "none")
  if (paused.length === 0) return words[pause]
  const isSame = paused.length === pauses.length && paused.every((each) => each.pause === paused[0]?.pause)
  return isSame ? words[pause] : `${words[pause]} on ${paused.length} of ${pauses.length}`
}

/** The badges in a cell. */
export const badgeText = ({ badges }: Pick<QueueFields, "badges">): string => badges.join(", ")

export const badgePaint = ({ badges: [worst] }: Pick<QueueFields, "badges">, { dim, red, yellow }: Paints): Paint =>
  worst === undefined ? (text) => text : worst === "no consumers" ? red : worst === "paused" ? dim : yellow

/** Which nodes are not in the answer, and why. */
export const MissingFields = Schema.Array(Schema.Struct({ node: Schema.String, error: Schema.String }))
