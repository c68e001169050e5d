/** Nodes that come and go: every node of the cluster is told, and asked afterwards. */
import * as Effect from "effect/Effect"
import type { ClusterNode } from "../commands/cluster.js"
import * as ClusterCommands from "../commands/cluster.js"
import type { InvalidArgument } from "../DisqueError.js"
import { DisquePool } from "../DisquePool.js"
import * as OptionReader from "../internal/optionReader.js"
import * as Time from "../internal/time.js"
import { type NotOnEveryNode, NotVerified } from "./errors.js"
import { onEveryNode } from "./everyNode.js"
import type { WithinOptions } from "./members.js"
import { countdown, findNode, knownNodes, readWithin } from "./nodes.js"

const idForm = /^[0-9a-f]{40}$/

export const forget = (
  node: string,
  options?: WithinOptions
): Effect.Effect<ReadonlyArray<string>, NotOnEveryNode | InvalidArgument, DisquePool> =>
  Effect.gen(function* () {
    const { within } = yield* OptionReader.all("Cluster.forget", options)
    const left = yield* countdown(yield* readWithin("Cluster.forget", within, "5 seconds"))
    const pool = yield* DisquePool
    const nodes = yield* knownNodes(pool, left)
    const { id } = yield* findNode("Cluster.forget", nodes, node)
    if (id === undefined || !idForm.test(id)) {
      return yield* OptionReader.refuseText("Cluster.forget", "node", node, "a node whose id the cluster knows")
    }
    const others = nodes.filter((other) => other.id !== id)
    const changed = yield* onEveryNode(pool, others, left, {
      operation: `forgetting the node ${id}`,
      // A node that does not know the other one refuses. Whether it knows it is asked afterwards, whatever the reply.
      tell: (commands) =>
        Effect.catchTags(commands.cluster.forget(id), {
          CommandRefused: () => Effect.void,
          OutcomeUnknown: () => Effect.void
        }),
      verify: (commands, { address }) =>
        Effect.filterOrFail(
          commands.cluster.nodes,
          (known) => known.every((other) => other.id !== id),
          () => new NotVerified({ node: address, actual: "that it knows the node", expected: "that it does not" })
        )
    })
    return changed.map(({ node }) => node.address)
  })

// Nodes tell each other of a new one within a second or two.
const pollMillis = 250

const hasJoined = (known: ReadonlyArray<ClusterNode>, host: string, port: number): boolean =>
  known.some(
    (node) =>
      node.host === host &&
      node.port === port &&
      (node.isMyself || node.isConnected) &&
      !node.flags.includes("handshake")
  )

export const meet = (
  ip: string,
  port: number,
  options?: WithinOptions
): Effect.Effect<ReadonlyArray<string>, NotOnEveryNode | InvalidArgument, DisquePool> =>
  Effect.gen(function* () {
    const { within } = yield* OptionReader.all("Cluster.meet", options)
    const command = yield* ClusterCommands.meet.make(ip, port)
    const left = yield* countdown(yield* readWithin("Cluster.meet", within, "30 seconds"))
    const pool = yield* DisquePool
    // A node that is alone does not know its own address, so it would never see that it has joined itself.
    const others = (yield* knownNodes(pool, left)).filter(({ address }) => address !== `${ip}:${port}`)
    if (others.length === 0) {
      return yield* OptionReader.refuse(
        "Cluster.meet",
        "node",
        `${ip}:${port}`,
        "another node than the only one there is"
      )
    }
    const changed = yield* onEveryNode(pool, others, left, {
      operation: `meeting the node at ${ip} port ${port}`,
      tell: (commands) => commands.execute(command),
      verify: (commands, { address }) => {
        const asked = Effect.filterOrFail(
          commands.cluster.nodes,
          (known) => hasJoined(known, ip, port),
          () => new NotVerified({ node: address, actual: "that the nodes have not met", expected: "that they have" })
        )
        const joined: typeof asked = Effect.catchTag(asked, "NotVerified", (error) =>
          // The last answer says why, before the time is over.
          left() <= 2 * pollMillis ? Effect.fail(error) : Effect.zipRight(Time.sleep(pollMillis), joined)
        )
        return joined
      }
    })
    return changed.map(({ node }) => node.address)
  })
