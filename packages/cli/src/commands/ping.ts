/** `disco ping`: whether each node answers, and how fast. */
import { DisquePool } from "@disco/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { onCluster } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { Output } from "../output/Output.js"
import { Pinged, pinged, pingedTable, pingUntil } from "../pings/pings.js"
import * as read from "../readers.js"

export const Answer = Schema.Struct({ nodes: Schema.Array(Pinged) })

export const command = onCluster({
  name: "ping",
  summary: "Ask each node whether it answers, and how fast",
  details: "All nodes of the cluster are asked at the same time, also those that failed or are leaving.",
  options: {
    count: option.defaulted("COUNT", read.count(1, 100_000), "5", "How often each node is asked."),
    every: option.defaulted("TIME", read.duration(), "200ms", "How long to wait between the answer and the next PING.")
  },
  output: Answer,
  examples: [
    ["disco ping", "the nodes of the cluster in use"],
    ["disco ping --nodes 127.0.0.1:7711 --count 100 --every 0", "a hundred round trips, one after the other"]
  ],
  statuses: { 1: "A node did not answer each time." },
  run: ({ count, every }) =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const output = yield* Output
      const hello = yield* pool.hello
      const nodes = yield* Effect.forEach(
        hello.nodes,
        ({ address, id }) =>
          Effect.map(
            pingUntil(pool.on(address).ping, every, (sent) => Effect.succeed(sent >= count)),
            (pings) => pinged(address, id, pings)
          ),
        { concurrency: "unbounded" }
      )
      yield* output.answer(Answer, { nodes }, (style) => pingedTable(nodes, style))
      const silent = nodes.filter(({ answered, sent }) => answered < sent)
      for (const { error, node } of silent) {
        yield* output.note(`disco: ${error?.startsWith(node) ? error : `${node} ${error}`}`)
      }
      return silent.length > 0 ? 1 : 0
    })
})
