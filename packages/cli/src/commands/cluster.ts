/** `disco cluster`: the nodes of the cluster, and how they fare. */
import { Cluster } from "@disco/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { onCluster } from "../command/Command.js"
import { Settings } from "../connection/Settings.js"
import { Count, Millis, millis, Seconds, seconds } from "../output/fields.js"
import { age, count, latency, size } from "../output/format.js"
import { Output } from "../output/Output.js"
import { type Paint, paints, type Style } from "../output/style.js"
import { table } from "../output/table.js"

const Figures = Schema.Struct({
  version: Schema.String,
  uptime: Seconds,
  memory: Count.annotations({ description: "bytes" }),
  jobs: Count.annotations({ description: "jobs that the node knows, copies and acknowledgements among them" }),
  queues: Count,
  clients: Count,
  blockedClients: Count.annotations({ description: "clients that wait for a job, or for copies of one" }),
  roundTrip: Millis.annotations({ description: "how long a PING took, in milliseconds" })
})

const Node = Schema.Struct({
  node: Schema.String.annotations({ description: "host:port" }),
  id: Schema.NullOr(Schema.String),
  state: Schema.Literal("up", "leaving", "suspected", "failed", "unreachable"),
  priority: Schema.Number.annotations({ description: "as HELLO tells it: 1 is fine, 100 is failed or leaving" }),
  figures: Schema.NullOr(Figures).annotations({ description: "null if the node did not answer" }),
  error: Schema.NullOr(Schema.String),
  notConnectedFrom: Schema.Array(Schema.String).annotations({ description: "the nodes that have no link to it" })
})

type Node = typeof Node.Type

export const Answer = Schema.Struct({ nodes: Schema.Array(Node) })

const fields = ({ address, figures, id, priority, state, views }: Cluster.Member): Node => ({
  node: address,
  id: id ?? null,
  state,
  priority,
  figures: Either.match(figures, {
    onLeft: () => null,
    onRight: ({ blockedClients, clients, jobs, memory, queues, roundTrip, uptime, version }) => ({
      version,
      uptime: seconds(uptime),
      memory,
      jobs,
      queues,
      clients,
      blockedClients,
      roundTrip: millis(roundTrip)
    })
  }),
  error: Either.isLeft(figures) ? figures.left.message : null,
  notConnectedFrom: views.filter(({ isConnected }) => !isConnected).map(({ from }) => from)
})

const shown = (nodes: ReadonlyArray<Node>, style: Style): string => {
  const paint = paints(style)
  const stateOf = ({ notConnectedFrom, state }: Node): string =>
    state === "up" && notConnectedFrom.length > 0 ? `up, no link from ${notConnectedFrom.length}` : state
  const stateColor = ({ notConnectedFrom, state }: Node): Paint =>
    state === "up" && notConnectedFrom.length === 0
      ? paint.green
      : state === "failed" || state === "unreachable"
        ? paint.red
        : paint.yellow
  const figure = (of: (figures: typeof Figures.Type) => string) => (node: Node) =>
    node.figures === null ? "" : of(node.figures)
  return table<Node>(
    [
      { title: "NODE", cell: ({ node }) => node, paint: () => paint.bold },
      { title: "STATE", cell: stateOf, paint: stateColor },
      { title: "JOBS", cell: figure(({ jobs }) => count(jobs)), align: "right", priority: 1 },
      { title: "QUEUES", cell: figure(({ queues }) => count(queues)), align: "right", priority: 4 },
      { title: "MEMORY", cell: figure(({ memory }) => size(memory)), align: "right", priority: 2 },
      { title: "CLIENTS", cell: figure(({ clients }) => count(clients)), align: "right", priority: 5 },
      { title: "PING", cell: figure(({ roundTrip }) => latency(roundTrip)), align: "right", priority: 3 },
      { title: "UPTIME", cell: figure(({ uptime }) => age(Duration.seconds(uptime))), align: "right", priority: 6 },
      { title: "VERSION", cell: figure(({ version }) => version), priority: 8 },
      { title: "ID", cell: ({ id }) => id?.slice(0, 8) ?? "", priority: 7 }
    ],
    nodes,
    style
  )
}

export const command = onCluster({
  name: "cluster",
  summary: "Show the nodes of the cluster, and how they fare",
  details:
    "Each node is asked by itself, those that failed or are leaving too. JOBS counts what the node has: a job with three copies counts on three nodes.",
  output: Answer,
  examples: [["disco cluster", "all nodes, with version, memory, jobs, clients and round trip"]],
  statuses: { 1: "A node did not answer." },
  run: () =>
    Effect.gen(function* () {
      const output = yield* Output
      const { timeout } = yield* Settings
      const nodes = (yield* Cluster.members({ within: timeout })).map(fields)
      yield* output.answer(Answer, { nodes }, (style) => shown(nodes, style))
      for (const { error } of nodes) if (error !== null) yield* output.note(`disco: ${error}`)
      return nodes.some(({ error }) => error !== null) ? 1 : 0
    })
})
