/** `disco node`: nodes that join the cluster, leave it, and are forgotten. */
import { isIP } from "node:net"
import { Cluster } from "@disco/core"
import { NodeAddress } from "@disco/node"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { CliError, UsageError } from "../CliError.js"
import { group, onCluster } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { confirm } from "../confirm.js"
import { Settings } from "../connection/Settings.js"
import { Count } from "../output/fields.js"
import { count, counted } from "../output/format.js"
import { Output } from "../output/Output.js"
import * as read from "../readers.js"

const node = option.argument(
  "NODE",
  read.text("the address or the id of a node"),
  "The node: its address, host:port, or its id, or the beginning of its id."
)

export const Told = Schema.Struct({
  node: Schema.String,
  told: Schema.Array(Schema.String).annotations({ description: "the nodes that were told, and say that it is so" })
})

/** The nodes that may be meant. */
const matching = (meant: string) =>
  Effect.flatMap(Settings, ({ timeout }) =>
    Effect.map(Cluster.members({ within: timeout }), (members) =>
      members.filter(({ address, id }) => address === meant || (meant.length > 3 && id?.startsWith(meant) === true))
    )
  )

/** The one node that is meant. */
const find = (meant: string) =>
  Effect.gen(function* () {
    const [only, other] = yield* matching(meant)
    if (only === undefined) {
      return yield* new CliError({
        message: `the cluster has no node ${JSON.stringify(meant)}: disco cluster lists its nodes`
      })
    }
    if (other !== undefined) {
      return yield* new UsageError({
        message: `several nodes begin with ${JSON.stringify(meant)}: give more of the id`
      })
    }
    return only
  })

const ipAndPort = "the ip:port of a new node, or a node of the cluster that is leaving"

const join = onCluster({
  name: "join",
  summary: "Join a node to the cluster, or let a node stay that is leaving",
  details:
    "Waits until all nodes have a link to it, for 30 seconds at most. Disque resolves no names: a new node is named by its IP address.",
  args: {
    node: option.argument("NODE", read.text(ipAndPort), "The new node, ip:port, or one that is leaving.")
  },
  output: Told,
  examples: [["disco node join 10.0.0.7:7711", "the cluster and the node at 10.0.0.7 become one"]],
  statuses: { 1: "Not all nodes have a link to it." },
  run: ({ node }) =>
    Effect.gen(function* () {
      const output = yield* Output
      const known = (yield* matching(node)).find(({ state }) => state === "leaving")
      if (known !== undefined) {
        yield* Cluster.undrain(known.id ?? known.address)
        const answer = { node: known.address, told: [known.address] }
        return yield* output.answer(Told, answer, () => `${known.address} stays`)
      }
      const { at } = yield* NodeAddress.parse(node, "node join", "NODE")
      if ("path" in at || isIP(at.host) === 0) {
        return yield* new UsageError({ message: `node join: NODE is ${JSON.stringify(node)}, expected ${ipAndPort}` })
      }
      const told = yield* Cluster.meet(at.host, at.port)
      const address = NodeAddress.format({ at })
      const knownBy = counted(told.length, "node")
      yield* output.answer(Told, { node: address, told }, () => `${address} has joined: it is known by ${knownBy}`)
    })
})

export const Drained = Schema.Struct({
  node: Schema.String,
  jobs: Count.annotations({ description: "jobs in any state that the node has, and acknowledgements" }),
  alone: Count.annotations({ description: "jobs that no other node has" }),
  delivered: Count.annotations({ description: "how many of those are in the hands of consumers" }),
  unfinished: Count.annotations({ description: "jobs whose copies or acknowledgements are on their way" }),
  queued: Count.annotations({ description: "jobs that wait on the node, and have a copy elsewhere" }),
  moved: Count.annotations({ description: "jobs that were moved so far: they have other ids now" }),
  maybeTwice: Schema.Array(Schema.String).annotations({ description: "ids of jobs that may be there twice" }),
  failure: Schema.NullOr(Schema.String).annotations({ description: "why jobs could not be moved" }),
  isSafe: Schema.Boolean.annotations({ description: "whether the node can be stopped without losing a job" })
})

const progressOf = ({ alone, delivered, failure, moved, node, unfinished }: typeof Drained.Type): string =>
  [
    `${node}: ${counted(alone, "job")} would be lost with it`,
    ...(delivered > 0 ? [`${count(delivered)} in the hands of consumers`] : []),
    ...(unfinished > 0 ? [`${count(unfinished)} being copied or acknowledged`] : []),
    ...(moved > 0 ? [`${count(moved)} moved`] : []),
    ...(failure === null ? [] : [failure])
  ].join(", ")

const leave = onCluster({
  name: "leave",
  summary: "Make a node leave the cluster, and say when it is safe to stop it",
  details:
    "The node takes no more new jobs, and hands out those that it has. This waits until it has no job that other nodes do not have. Ctrl-C ends the wait: the node goes on leaving, and disco node join lets it stay. Stop the node when it is safe, then let the others forget it: disco node forget.",
  args: { node },
  options: {
    move: option.flag("Move the jobs that only this node has: each is added on another node, then acknowledged here."),
    every: option.defaulted("TIME", read.duration(100), "2s", "The time between two looks at the jobs of the node."),
    yes: option.yes
  },
  output: Drained,
  isStream: true,
  examples: [
    ["disco node leave 10.0.0.7:7711", "waits until its jobs are done or elsewhere"],
    ["disco node leave 10.0.0.7:7711 --move --yes", "moves the jobs that only it has"]
  ],
  statuses: { 1: "It is safe to stop the node, but some jobs may be there twice." },
  run: ({ every, move, node, yes }) =>
    Effect.gen(function* () {
      const output = yield* Output
      const { address, id } = yield* find(node)
      yield* confirm({ yes, what: `${address} leaves the cluster${move ? ", and its jobs are moved" : ""}` })
      const last = yield* Cluster.drain(id ?? address, { moves: move, every }).pipe(
        Stream.map(({ failure, id: _, ...progress }) => ({ ...progress, failure: failure?.message ?? null })),
        Stream.tap((progress) =>
          output.isJson
            ? output.item(Drained, progress, () => "")
            : output.progress(progress.isSafe ? "" : progressOf(progress))
        ),
        Stream.runLast,
        Effect.map(Option.getOrThrow),
        Effect.onInterrupt(() =>
          output.note(`disco: ${address} goes on leaving: disco node join ${address} lets it stay`)
        )
      )
      const { maybeTwice, moved, queued } = last
      yield* output.text(() =>
        [
          `it is safe to stop ${address}`,
          ...(moved > 0 ? [`${counted(moved, "job")} moved`] : []),
          ...(queued > 0 ? [`${counted(queued, "job")} will be queued by other nodes after their retry time`] : [])
        ].join("; ")
      )
      if (maybeTwice.length === 0) return 0
      yield* output.note(`disco: these jobs may be there twice: ${maybeTwice.join(", ")}`)
      return 1
    })
})

const forget = onCluster({
  name: "forget",
  summary: "Make the cluster forget a node that is gone for good",
  details:
    "Stop the node before, or it comes back after a minute. Jobs of which it has the only copy are lost to the cluster: if it still runs, use disco node leave instead.",
  args: { node },
  options: { yes: option.yes },
  output: Told,
  examples: [["disco node forget 10.0.0.7:7711 --yes", "all other nodes forget the node at 10.0.0.7"]],
  statuses: { 1: "Not all nodes have forgotten it: run it again within a minute." },
  run: ({ node, yes }) =>
    Effect.gen(function* () {
      const output = yield* Output
      const { address, id, state } = yield* find(node)
      const warning = state === "up" || state === "leaving" ? ", which still runs" : ""
      yield* confirm({ yes, what: `all nodes forget ${address}${warning}` })
      const told = yield* Cluster.forget(id ?? address)
      yield* output.answer(
        Told,
        { node: address, told },
        () => `${address} is forgotten by ${counted(told.length, "node")}`
      )
    })
})

export const command = group({
  name: "node",
  summary: "Let nodes join the cluster, leave it, and be forgotten",
  commands: [leave, join, forget]
})
