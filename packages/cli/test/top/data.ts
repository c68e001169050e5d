/** Snapshots of clusters that do not exist. */
import type { Cluster } from "@disco/core"
import { ConnectionError } from "@disco/core"
import { DateTime, Duration } from "effect"

export const start = Date.UTC(2026, 0, 2, 3, 4, 5)

export const queue = (name: string, given: Partial<Cluster.ClusterQueue> = {}): Cluster.ClusterQueue => ({
  name,
  length: 0,
  age: Duration.hours(1),
  idle: Duration.zero,
  blocked: 1,
  importRate: 0,
  jobsIn: 0n,
  jobsOut: 0n,
  pause: "none",
  oldest: undefined,
  rates: { in: 0, out: 0, imported: 0, over: Duration.seconds(1) },
  pauses: [{ node: "127.0.0.1:7711", pause: given.pause ?? "none" }],
  nodes: [],
  ...given
})

export const rates = (into: number, out: number): Cluster.QueueRates => ({
  in: into,
  out,
  imported: 0,
  over: Duration.seconds(1)
})

export const node = (address: string, silentFor?: Duration.DurationInput): Cluster.SampledNode => ({
  address,
  id: address.padEnd(40, "0"),
  queues: 1,
  asked: 1,
  isComplete: true,
  error: silentFor === undefined ? undefined : new ConnectionError({ node: address, reason: "silent" }),
  failingSince: silentFor === undefined ? undefined : DateTime.unsafeMake(start - Duration.toMillis(silentFor))
})

/** A snapshot `after` the start, in milliseconds. */
export const snapshot = (
  queues: ReadonlyArray<Cluster.ClusterQueue>,
  nodes = [node("127.0.0.1:7711")],
  after = 0
): Cluster.QueueSnapshot => ({
  at: DateTime.unsafeMake(start + after),
  queues: queues.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  nodes
})
