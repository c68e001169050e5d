/** Dashboards over one pool: one that changes what it is told to, one that changes nothing, and one with a password. */
import { createServer, type Server } from "node:http"
import type { DisquePool } from "@disco/core"
import { NodeContext, NodeHttpServer } from "@effect/platform-node"
import { Clock, Effect, Exit, Layer, type ManagedRuntime, Redacted, Scope } from "effect"
import { Dashboard } from "../../src/index.js"
import { emails } from "./demo.js"

export interface Dashboards {
  readonly open: string
  readonly readOnly: string
  readonly guarded: string
  readonly password: string
  /** More time passes at the dashboard with a password than a session lasts. */
  readonly endSessions: () => void
  readonly all: ReadonlyArray<Server>
  readonly close: () => Promise<void>
}

const password = "correct horse battery staple"

/** A clock that can be set forward. */
const laterClock = () => {
  const real = Clock.make()
  let ahead = 0n
  const unsafeCurrentTimeNanos = () => real.unsafeCurrentTimeNanos() + ahead * 1_000_000n
  const unsafeCurrentTimeMillis = () => real.unsafeCurrentTimeMillis() + Number(ahead)
  const clock: Clock.Clock = {
    ...real,
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    sleep: (time) => real.sleep(time),
    unsafeCurrentTimeNanos,
    unsafeCurrentTimeMillis,
    currentTimeNanos: Effect.sync(unsafeCurrentTimeNanos),
    currentTimeMillis: Effect.sync(unsafeCurrentTimeMillis)
  }
  return {
    clock,
    forward: (millis: number) => {
      ahead += BigInt(millis)
    }
  }
}

/** Where they are mounted: the page is to work below a path. */
const basePath = "/admin/disque"

export const serve = async (
  runtime: ManagedRuntime.ManagedRuntime<DisquePool, unknown>,
  every: Dashboard.DashboardOptions["every"]
): Promise<Dashboards> => {
  const scope = await runtime.runPromise(Scope.make())
  const all: Array<Server> = []
  const later = laterClock()
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
      Effect.withClock(start({ password: Redacted.make(password) }), later.clock)
    ])
  )
  return {
    open,
    readOnly,
    guarded,
    password,
    endSessions: () => later.forward(13 * 3_600_000),
    all,
    close: () => runtime.runPromise(Scope.close(scope, Exit.void))
  }
}
