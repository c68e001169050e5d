/** Embedded nodes behind sockets. */
import { type DurableOptions, EmbeddedDisque, type EmbeddedNode, EmbeddedServer } from "@disco/embedded"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as SocketServer from "@effect/platform/SocketServer"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { CliError } from "./CliError.js"
import { control, type Faults } from "./control.js"
import * as entrance from "./entrance.js"
import { listenAtAll, listenUnix, type TcpOptions } from "./listeners.js"
import { processFigures } from "./processFigures.js"

export interface NodesOptions extends TcpOptions {
  /** One node each; 0 stands for any free port. */
  readonly ports: ReadonlyArray<number>
  /** The same for TLS. Beside `ports`, one for the one node. */
  readonly tlsPorts?: ReadonlyArray<number>
  /** Belongs to the first node. */
  readonly unixsocket?: { readonly path: string; readonly mode: string } | undefined
  readonly requirepass?: Redacted.Redacted | undefined
  readonly maxmemory?: number | undefined
  /** Where the jobs are kept; undefined for in memory. */
  readonly disk?:
    | (Required<Pick<DurableOptions, "dir" | "appendfsync" | "enqueueJobsOnce">> & {
        readonly isOn: boolean
      })
    | undefined
  /** In ms. */
  readonly nodeTimeout?: number | undefined
  readonly config?: Readonly<Record<string, string>>
  /** Where the nodes can be killed and restarted; 0 stands for any free port. */
  readonly controlPort?: number | undefined
  readonly onShutdown?: ((node: EmbeddedNode) => void) | undefined
}

/** How long clients have for their last answers when the process ends, in ms. */
export const closeWithin = 1000

/** The port that a node without one is known by. */
const nominalPort = 7711

// An address that stands for all addresses of the machine leads nobody anywhere.
const ownHost = (host: string | undefined): string =>
  host === undefined || /^0\.0\.0\.0$/.test(host) ? "127.0.0.1" : /^[0:]+$/.test(host) ? "::1" : host

/** What the nodes can be made to suffer. When it is done, a node that is down refuses connections, and one that is up listens. */
const faults = (disque: EmbeddedDisque.Service, entrances: ReadonlyMap<EmbeddedNode, entrance.Entrance>): Faults => {
  const settle = (node: EmbeddedNode) => entrances.get(node)?.settle ?? Effect.void
  return {
    ...disque,
    kill: (node) => Effect.zipRight(disque.kill(node), Effect.ignore(settle(node))),
    restart: (node) =>
      Effect.gen(function* () {
        // It listens while it reads its jobs.
        const starting = yield* Effect.fork(disque.restart(node))
        yield* Effect.yieldNow()
        yield* Effect.ignore(settle(node))
        yield* Fiber.join(starting)
        yield* Effect.ignore(settle(node))
        const failure = entrances.get(node)?.failure()
        if (node.state === "down" && failure !== undefined) return yield* failure
      })
  }
}

/** Starts nodes that listen until the scope ends. */
export const serveNodes = (
  options: NodesOptions
): Effect.Effect<
  {
    readonly nodes: ReadonlyArray<EmbeddedNode>
    /** Where they listen, as people read it. */
    readonly names: ReadonlyArray<string>
    /** Accepts no more clients. Those that are there go on. */
    readonly stop: Effect.Effect<void>
    /** The port where the nodes can be killed and restarted, if there is one. */
    readonly controlledAt: number | undefined
  },
  CliError,
  Scope.Scope | FileSystem.FileSystem | Path.Path
> =>
  Effect.gen(function* () {
    const { config, disk, maxmemory, nodeTimeout, onShutdown, requirepass, tlsPorts = [], unixsocket } = options
    const plain = yield* Effect.forEach(options.ports, (port) => listenAtAll(options, port, false))
    const secure = yield* Effect.forEach(tlsPorts, (port) => listenAtAll(options, port, true))
    const local = unixsocket === undefined ? [] : [yield* listenUnix(unixsocket, options.backlog)]
    const count = Math.max(plain.length, secure.length, 1)
    const listeners = Array.from({ length: count }, (_, i) => [
      ...(plain[i] ?? []),
      ...(secure[i] ?? []),
      ...(i === 0 ? local : [])
    ])
    const common = {
      ports: listeners.map((all) => all.find(({ port }) => port > 0)?.port ?? nominalPort),
      host: ownHost(options.hosts[0]),
      process: processFigures,
      ...(requirepass === undefined ? {} : { requirepass }),
      ...(maxmemory === undefined ? {} : { maxmemory }),
      ...(nodeTimeout === undefined ? {} : { nodeTimeout }),
      config: disk?.isOn === false ? { ...config, appendonly: "no" } : { ...config },
      ...(onShutdown === undefined ? {} : { onShutdown })
    }
    const { isOn: _, ...durable } = disk ?? { isOn: false }
    const made = "dir" in durable ? EmbeddedDisque.make({ ...common, ...durable }) : EmbeddedDisque.make(common)
    const disque = yield* Effect.mapError(made, (error) => new CliError({ message: error.message }))
    const serving = disque.nodes.flatMap((node, i) =>
      (listeners[i] ?? []).map(({ server }) =>
        Effect.provideService(EmbeddedServer.serve(node, { closeWithin }), SocketServer.SocketServer, server)
      )
    )
    // In one fiber, whose end gives all clients their time at once.
    yield* Effect.forkScoped(Effect.all(serving, { concurrency: "unbounded" }))
    const entrances = yield* Effect.forEach(disque.nodes, (node, i) =>
      Effect.map(
        entrance.make(node, listeners[i] ?? [], disque.kill(node)),
        (made): readonly [EmbeddedNode, entrance.Entrance] => [node, made]
      )
    )
    const stop = Effect.forEach(entrances, ([, { stop }]) => stop, { discard: true })
    const controlledAt =
      options.controlPort === undefined
        ? undefined
        : yield* control(faults(disque, new Map(entrances)), options.controlPort)
    return { nodes: disque.nodes, names: listeners.flat().map(({ name }) => name), stop, controlledAt }
  })
