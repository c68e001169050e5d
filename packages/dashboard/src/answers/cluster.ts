/** What the screen of the cluster shows. */
import type { Cluster } from "@disco/core"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import type { ClusterNode, Flow, NodeFigures } from "../api/cluster.js"
import type { Status } from "../api/status.js"
import type { QueueList } from "../sampling/queueList.js"

type Member = Cluster.Member

const numberOf = (value: unknown): number =>
  typeof value === "bigint" || typeof value === "number" ? Math.max(0, Math.round(Number(value))) : 0

/** The memory that nodes may take, by their addresses; 0 is no limit. */
export type MemoryLimits = ReadonlyMap<string, number>

const figuresOf = (figures: Cluster.MemberFigures, limit = 0): NodeFigures => {
  const field = (section: string, name: string): unknown => figures.info.get(section)?.get(name)
  return {
    version: figures.version,
    uptimeMillis: Duration.toMillis(figures.uptime),
    memory: figures.memory,
    maxMemory: limit === 0 ? null : limit,
    jobs: figures.jobs,
    queues: figures.queues,
    clients: figures.clients,
    blockedClients: figures.blockedClients,
    roundTripMillis: Duration.toMillis(figures.roundTrip),
    commandsPerSecond: numberOf(field("stats", "instantaneous_ops_per_sec"))
  }
}

/** The nodes, as they were last asked. */
export const nodesOf = (
  members: ReadonlyArray<Member>,
  limits: MemoryLimits,
  tried: Status["nodes"]
): ReadonlyArray<ClusterNode> =>
  members.map(({ address, figures, id, lastHeard, priority, state, views }) => ({
    address,
    id: id ?? null,
    state,
    priority,
    figures: Either.isRight(figures) ? figuresOf(figures.right, limits.get(address)) : null,
    why: Either.isLeft(figures) ? figures.left.message : null,
    failingSince: Either.isLeft(figures) ? (tried.find((node) => node.address === address)?.since ?? null) : null,
    lastHeard: lastHeard?.epochMillis ?? null,
    views
  }))

/** Fewer jobs a second than this are no flow. */
const least = 0.05
const mostQueues = 5

/** The jobs that go from node to node, of the last look. */
export const flowsOf = (list: QueueList): ReadonlyArray<Flow> => {
  const flows = new Map<string, { from: string; to: string; rate: number; queues: Array<readonly [string, number]> }>()
  for (const { queue } of list.listed) {
    for (const { importFrom, node, rates } of queue.nodes) {
      const rate = (rates?.imported ?? 0) / Math.max(1, importFrom.length)
      if (rate < least) continue
      for (const id of importFrom) {
        const from = list.addressOf(id)
        const key = `${from} ${node}`
        const flow = flows.get(key) ?? { from, to: node, rate: 0, queues: [] }
        flow.rate += rate
        flow.queues.push([queue.name, rate])
        flows.set(key, flow)
      }
    }
  }
  return [...flows.values()].map(({ from, queues, rate, to }) => ({
    from,
    to,
    rate,
    queues: queues
      .sort(([, a], [, b]) => b - a)
      .slice(0, mostQueues)
      .map(([name]) => name)
  }))
}
