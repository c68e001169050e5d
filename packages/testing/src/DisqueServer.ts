/**
 * A real server in tests, where there is one: the environment variable `DISQUE_NODES` has the addresses of a cluster that runs, or
 * `DISQUE_SERVER` is the path of a `disque-server`, of which each layer starts one of its own. Where neither is set, `missing` says
 * so.
 *
 * Time on a real server is real: run such tests by `it.live`, and use queues of their own on a cluster that others use.
 *
 * @example
 * ```ts
 * import { DisqueConnection } from "@disco/core"
 * import { DisqueServer } from "@disco/testing"
 * import { assert, describe, it } from "@effect/vitest"
 * import { Effect } from "effect"
 *
 * describe.skipIf(DisqueServer.missing)(`on a real server${DisqueServer.note}`, () => {
 *   it.live("a job is taken by its id", () =>
 *     Effect.gen(function* () {
 *       const disque = yield* DisqueConnection
 *       const id = yield* disque.addJob("emails", "hello")
 *       assert.strictEqual((yield* disque.getJob("emails")).id, id)
 *     }).pipe(Effect.provide(DisqueServer.layer()))
 *   )
 * })
 * ```
 *
 * @since 0.1.0
 */
import type { ConnectError, DisqueConnection, DisquePool, PoolOptions } from "@disco/core"
import { NodeDisque } from "@disco/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { NoDisqueServer, startServer } from "./server/serverProcess.js"

export { NoDisqueServer } from "./server/serverProcess.js"

const { DISQUE_NODES: nodes = "", DISQUE_SERVER: path = "" } = process.env

/**
 * Whether there is no server to test with.
 *
 * @example
 * ```ts
 * import { DisqueServer } from "@disco/testing"
 * import { describe, it } from "@effect/vitest"
 * import { Effect } from "effect"
 *
 * describe.skipIf(DisqueServer.missing)(`on a real server${DisqueServer.note}`, () => {
 *   it.live("it answers", () => Effect.void.pipe(Effect.provide(DisqueServer.layer())))
 * })
 * ```
 *
 * @since 0.1.0
 * @category conditions
 */
export const missing: boolean = path === "" && nodes === ""

const remedy = "set DISQUE_SERVER to the path of a disque-server, or DISQUE_NODES to the addresses of a cluster"

/**
 * What to add to the name of a test that is skipped without a server: it says what is missing. Empty if there is a server.
 *
 * @see {@link missing}
 * @since 0.1.0
 * @category conditions
 */
export const note: string = missing ? ` (skipped: ${remedy})` : ""

/**
 * A server with a pool and a connection to it; the options are for both. A server that the layer has started ends with its scope.
 * Fails with `NoDisqueServer` if there is none, or if it does not start.
 *
 * @see {@link missing}
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: PoolOptions = {}
): Layer.Layer<DisqueConnection | DisquePool, NoDisqueServer | ConnectError> => {
  const address =
    nodes !== ""
      ? Effect.succeed(nodes)
      : missing
        ? Effect.fail(new NoDisqueServer({ message: `there is no server to test with: ${remedy}` }))
        : startServer(path)
  return Layer.unwrapScoped(
    Effect.map(address, (nodes) =>
      Layer.merge(NodeDisque.layerConnection({ nodes, ...options }), NodeDisque.layerPool({ nodes, ...options }))
    )
  )
}
