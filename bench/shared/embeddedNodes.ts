/** Embedded nodes in a process of their own. It tells their ports, and about itself whenever it is asked. */
import { monitorEventLoopDelay } from "node:perf_hooks"
import { EmbeddedDisque, EmbeddedServer } from "@disco/embedded"
import * as SocketServer from "@effect/platform/SocketServer"
import { NodeContext, NodeRuntime, NodeSocketServer } from "@effect/platform-node"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { heapAfterGc } from "./heap.js"
import { type Load, type NodesOptions, type Started, withoutRewrites } from "./nodesOptions.js"

/** How often the memory is looked at, and the delay of the event loop, in milliseconds. */
const lookEvery = 2

const delays = monitorEventLoopDelay({ resolution: lookEvery })

/** The longest delay since the last call, in milliseconds. */
const longestDelay = (): number => {
  const longest = delays.count === 0 ? 0 : delays.max / 1e6 - lookEvery
  delays.reset()
  return Math.max(0, longest)
}

process.on("message", (question) =>
  process.send?.(question === "memory" ? { memory: heapAfterGc() } : { delay: longestDelay() })
)
process.on("disconnect", () => process.exit())

/** Runs `load`, and measures it. */
const measured = <A, E, R>(load: Effect.Effect<A, E, R>): Effect.Effect<readonly [A, Load], E, R> =>
  Effect.gen(function* () {
    let most = heapAfterGc()
    const look = () => {
      const { arrayBuffers, heapUsed } = process.memoryUsage()
      most = Math.max(most, heapUsed + arrayBuffers)
    }
    const looking = setInterval(look, lookEvery)
    longestDelay()
    const started = performance.now()
    const loaded = yield* load
    const millis = performance.now() - started
    const delay = longestDelay()
    look()
    clearInterval(looking)
    return [loaded, { millis, delay, memory: most - heapAfterGc() }] as const
  })

const main = Effect.gen(function* () {
  const { disk, nodes: count } = JSON.parse(process.argv[2] ?? "") as NodesOptions
  const servers = yield* Effect.replicateEffect(NodeSocketServer.make({ port: 0, host: "127.0.0.1" }), count)
  const ports = servers.map(({ address }) => (address._tag === "TcpAddress" ? address.port : 0))
  delays.enable()
  const [{ nodes }, load] = yield* measured(
    disk === undefined
      ? EmbeddedDisque.make({ ports })
      : Effect.tap(EmbeddedDisque.make({ ports, ...disk, config: withoutRewrites }), ({ nodes: [node] }) => node.loaded)
  )
  process.send?.({ ports, load } satisfies Started)
  return yield* Effect.forEach(
    nodes,
    (node, i) =>
      Effect.provideService(
        EmbeddedServer.serve(node),
        SocketServer.SocketServer,
        servers[i] as SocketServer.SocketServer["Type"]
      ),
    { concurrency: "unbounded" }
  )
})

NodeRuntime.runMain(
  Effect.scoped(main).pipe(Effect.provide(NodeContext.layer), Logger.withMinimumLogLevel(LogLevel.Warning))
)
