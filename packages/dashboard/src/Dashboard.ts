/**
 * The dashboard: a web page over the cluster of a pool, and the API behind it.
 *
 * It looks at the cluster every 2 seconds while somebody looks, and every 30 seconds otherwise: once for all viewers, and never at more
 * than 500 queues of a node at a time. While a node does not answer, the look is made every 5 seconds at the latest. Looks at jobs are bounded by a count and by 5 seconds. What it measured is in memory, for an hour at most, and
 * begins anew with the process.
 *
 * **Who gets in.** It does not listen by itself: the `HttpServer` does. Without a password, only requests get in that name this machine
 * (`Host: localhost` or `127.0.0.1`), so that no page of another site can reach it by a name of its own. With `password`, viewers sign in, and their session
 * ends after 12 hours. With `trustProxy`, a proxy in front decides. In both cases nothing can be changed unless `allowChanges` says so. A change needs a token
 * that only the page itself can read, and is logged at info level with the address of the viewer.
 *
 * `GET /health` answers 200 while a node answers, and 503 otherwise. `GET /metrics` has figures for Prometheus.
 *
 * @since 0.1.0
 */
import type { DisquePool, InvalidArgument } from "@disco/core"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServer from "@effect/platform/HttpServer"
import type * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Assets } from "./assets.js"
import { Desk } from "./desk.js"
import { makeApp } from "./http/app.js"
import { Guard } from "./http/guard.js"
import { Payloads } from "./jobs/payloads.js"
import { type DashboardOptions, read } from "./options.js"
import { Signal } from "./sampling/signal.js"

export type { Redact, TypedQueue } from "./jobs/payloads.js"
export type { DashboardOptions } from "./options.js"

/**
 * The dashboard as an app, for as long as the scope: to be mounted in a server of your own, below the path `basePath`. The end of the
 * scope ends the streams of viewers, and nodes that are being drained are left as they are.
 *
 * @example
 * ```ts
 * import { Dashboard } from "@disco/dashboard"
 * import { HttpRouter } from "@effect/platform"
 * import { Effect } from "effect"
 *
 * const router = Effect.map(Dashboard.httpApp({ basePath: "/disque" }), (dashboard) =>
 *   HttpRouter.empty.pipe(HttpRouter.mountApp("/disque", dashboard, { includePrefix: true }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const httpApp = (
  options?: DashboardOptions
): Effect.Effect<HttpApp.Default, InvalidArgument, DisquePool | FileSystem.FileSystem | Path.Path | Scope.Scope> =>
  Effect.gen(function* () {
    const settings = yield* read(options)
    const payloads = new Payloads(settings.payloads)
    const desk = yield* Desk.make(payloads, settings.sampler)
    const closing = { signal: new Signal(), isClosing: false }
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        closing.isClosing = true
        closing.signal.fire()
      })
    )
    const guard = new Guard(settings.guard)
    return yield* makeApp({ desk, guard, assets: yield* Assets.load, closing, basePath: settings.basePath })
  })

/**
 * The dashboard on an `HttpServer`, for as long as the layer.
 *
 * @example
 * ```ts
 * import { Dashboard } from "@disco/dashboard"
 * import { NodeDisque } from "@disco/node"
 * import { NodeContext, NodeHttpServer, NodeRuntime } from "@effect/platform-node"
 * import { Layer } from "effect"
 * import { createServer } from "node:http"
 *
 * const program = Dashboard.layer().pipe(
 *   Layer.provide(NodeDisque.layerPool({ nodes: "127.0.0.1:7711" })),
 *   Layer.provide(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 7780 })),
 *   Layer.provide(NodeContext.layer)
 * )
 *
 * NodeRuntime.runMain(Layer.launch(program))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: DashboardOptions
): Layer.Layer<never, InvalidArgument, DisquePool | FileSystem.FileSystem | Path.Path | HttpServer.HttpServer> =>
  Layer.unwrapScoped(Effect.map(httpApp(options), (app) => HttpServer.serve(app)))
