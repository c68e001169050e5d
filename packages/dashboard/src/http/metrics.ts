/** The figures of the cluster in the text format of Prometheus. */
import { Prometheus, queueOfDead } from "@disco/core/internal"
import type { ClusterNode } from "../api/cluster.js"
import type { Status } from "../api/status.js"
import type { QueueList } from "../sampling/queueList.js"

/** The most queues: each is a series of its own for each figure. */
const mostQueues = 500

/** Queues with the most jobs go first, and then those in which most happens: further ones are left out. */
const chosen = ({ listed }: QueueList) => {
  const rate = (each: (typeof listed)[number]) => (each.queue.rates?.in ?? 0) + (each.queue.rates?.out ?? 0)
  return listed
    .toSorted((a, b) => b.queue.length - a.queue.length || rate(b) - rate(a) || (a.queue.name < b.queue.name ? -1 : 1))
    .slice(0, mostQueues)
}

export const metricsText = (list: QueueList, nodes: ReadonlyArray<ClusterNode>, status: Status): string => {
  const queues = chosen(list).map((each) => ({ ...each, labels: { queue: each.queue.name } }))
  const ofQueues = (
    name: string,
    help: string,
    value: (each: (typeof queues)[number]) => number | bigint | null | undefined
  ): Prometheus.Family => ({
    name: `disque_queue_${name}`,
    type: "gauge",
    help,
    samples: queues.map((each) => [each.labels, value(each)] as const)
  })
  const ofNodes = (
    name: string,
    help: string,
    value: (figures: NonNullable<ClusterNode["figures"]>) => number | null
  ): Prometheus.Family => ({
    name: `disque_node_${name}`,
    type: "gauge",
    help,
    samples: nodes.map(({ address, figures }) => [{ node: address }, figures === null ? null : value(figures)] as const)
  })
  const dead = queues.flatMap(({ queue: { length, name } }) => {
    const queue = queueOfDead(name)
    return queue === undefined ? [] : [[{ queue }, length] as const]
  })
  const families: ReadonlyArray<Prometheus.Family> = [
    ofQueues("length", "Jobs that wait in the queue, on all nodes.", ({ queue }) => queue.length),
    ofQueues("oldest_age_seconds", "How long ago the oldest waiting job was added.", ({ oldestMillis, queue }) =>
      oldestMillis === null ? (queue.length === 0 ? 0 : null) : oldestMillis / 1000
    ),
    ofQueues("in_jobs_per_second", "Jobs that are added or queued again.", ({ queue }) => queue.rates?.in),
    ofQueues("out_jobs_per_second", "Jobs that go to consumers.", ({ queue }) => queue.rates?.out),
    ofQueues(
      "imported_jobs_per_second",
      "Jobs that go from node to node: an estimate.",
      ({ queue }) => queue.rates?.imported
    ),
    ofQueues("consumers", "Clients that wait for a job.", ({ queue }) => queue.blocked),
    ofQueues("paused", "1 if something is paused on a node.", ({ queue }) => (queue.pause === "none" ? 0 : 1)),
    {
      name: "disque_dead_letters",
      type: "gauge",
      help: "Jobs of the queue that were given up.",
      samples: dead
    },
    { name: "disque_queues", type: "gauge", help: "Queues that are known.", samples: [[{}, list.totals.queues]] },
    {
      name: "disque_queues_without_series",
      type: "gauge",
      help: `Queues that have no series here, because there are more than ${mostQueues}.`,
      samples: [[{}, list.listed.length - queues.length]]
    },
    {
      name: "disque_jobs_waiting",
      type: "gauge",
      help: "Jobs that wait, in all queues.",
      samples: [[{}, list.totals.length]]
    },
    {
      name: "disque_node_up",
      type: "gauge",
      help: "1 if the node answers.",
      samples: status.nodes.map(({ address, isAnswering }) => [{ node: address }, isAnswering ? 1 : 0] as const)
    },
    ofNodes("memory_bytes", "Memory in use.", ({ memory }) => memory),
    ofNodes("memory_limit_bytes", "Memory that the node may take (maxmemory).", ({ maxMemory }) => maxMemory),
    ofNodes("jobs", "Jobs that the node knows, in any state.", ({ jobs }) => jobs),
    ofNodes("clients", "Clients of the node.", ({ clients }) => clients),
    ofNodes("blocked_clients", "Clients that wait.", ({ blockedClients }) => blockedClients),
    ofNodes("round_trip_seconds", "How long a PING took.", ({ roundTripMillis }) => roundTripMillis / 1000),
    ofNodes("uptime_seconds", "How long the node has run.", ({ uptimeMillis }) => uptimeMillis / 1000),
    ofNodes("commands_per_second", "Commands, as the node counts them.", ({ commandsPerSecond }) => commandsPerSecond),
    {
      name: "disco_dashboard_sampled_seconds",
      type: "gauge",
      help: "When the cluster was last looked at, in seconds since 1970.",
      samples: [[{}, status.sampledAt === null ? null : status.sampledAt / 1000]]
    }
  ]
  return Prometheus.text(families)
}
