/** Dashboards over one pool: one that changes what it is told to, one that changes nothing, and one with a password. */
import { createServer, type Server } from "node:http"
import type { DisquePool } from "@disco/core"
import { NodeContext, NodeHttpServer } from "@effect/platform-node"
import { Effect, Exit, Layer, type ManagedRuntime, Redacted, Scope } from "effect"
import { Dashboard } from "../../src/index.js"
import { emails } from "./demo.js"

export interface Dashboards {
  readonly open: string
  readonly readOnly: string
  readonly guarded: string
  readonly password: string
  readonly all: ReadonlyArray<Server>
  readonly close: () => Promise<void>
}

const password = "correct horse battery staple"

/** How long a session lasts on the dashboard with a password. */
const session = "6 seconds"

/** Where they are mounted: the page is to work below a path. */
const basePath = "/admin/disque"

export const serve = async (
  runtime: ManagedRuntime.ManagedRuntime<DisquePool, unknown>,
  every: Dashboard.DashboardOptions["every"]
): Promise<Dashboards> => {
  const scope = await runtime.runPromise(Scope.make())
  const all: Array<Server> = []
  const start = (options: Dashboard.DashboardOptions) => {
    const server = createServer()
    all.push(server)
    return Effect.gen(function* () {
      const context = yield* Effect.context<DisquePool>()
      const dashboard = Dashboard.layer({ basePath, every, queues: [emails], ...options }).pipe(
        Layer.provide(NodeHttpServer.layer(() => server, { host: "127.0.0.1", port: 0 })),
        Layer.provide(NodeContext.layer),
        Layer.provide(Layer.succeedContext(context))
      )
      yield* Layer.buildWithScope(dashboard, scope)
      const address = server.address()
      if (address === null || typeof address === "string") throw new Error("The server listens on a port.")
      return `http://127.0.0.1:${address.port}${basePath}/`
    })
  }
  const [open, readOnly, guarded] = await runtime.runPromise(
    Effect.all([
      start({}),
      start({ allowChanges: false }),
      start({ password: Redacted.make(password), sessionTimeToLive: session })
    ])
  )
  return { open, readOnly, guarded, password, all, close: () => runtime.runPromise(Scope.close(scope, Exit.void)) }
}
