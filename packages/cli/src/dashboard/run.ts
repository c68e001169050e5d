/** The dashboard, where a browser finds it. */
import { createServer } from "node:http"
import type { DisquePool } from "@disco/core"
import { Dashboard } from "@disco/dashboard"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as HttpServer from "@effect/platform/HttpServer"
import type * as Path from "@effect/platform/Path"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import { CliError } from "../CliError.js"
import * as log from "../serve/log.js"

export interface Listening {
  /** An IP address. */
  readonly host: string
  /** 0 stands for any free port. */
  readonly port: number
}

const refused =
  ({ host, port }: Listening) =>
  (error: unknown): CliError => {
    const cause: unknown = typeof error === "object" && error !== null && "cause" in error ? error.cause : error
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)
    if (code === "EADDRINUSE") {
      return new CliError({ message: `port ${port} is in use: choose another one for the dashboard, or 0 for any` })
    }
    return new CliError({ message: `port ${port} of ${JSON.stringify(host)} cannot be listened on (${code})` })
  }

/** The options of the log of the dashboard. */
const { least, logger } = log.make("text", "notice")

/** Serves the dashboard until the end of the scope, and gives its address. What viewers change is logged on standard output. */
export const serve = (
  listening: Listening,
  options: Dashboard.DashboardOptions
): Effect.Effect<string, CliError, DisquePool | FileSystem.FileSystem | Path.Path | Scope.Scope> =>
  Effect.gen(function* () {
    const { host, port } = listening
    const server = yield* Effect.mapError(
      NodeHttpServer.make(() => createServer(), { host, port }),
      refused(listening)
    )
    // What viewers look at ends before the server does, which waits for it.
    const app = yield* Effect.mapError(Dashboard.httpApp(options), ({ message }) => new CliError({ message }))
    yield* Effect.provideService(HttpServer.serveEffect(app), HttpServer.HttpServer, server)
    const bound = server.address._tag === "TcpAddress" ? server.address.port : port
    return `http://${host.includes(":") ? `[${host}]` : host}:${bound}/`
  }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)), Logger.withMinimumLogLevel(least))
