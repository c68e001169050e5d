/** Kills and restarts embedded nodes for whom asks over HTTP: for tests, and for people who try failures. */
import { createServer } from "node:http"
import type { EmbeddedDisque, EmbeddedNode } from "@disco/embedded"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { CliError } from "./CliError.js"

const host = "127.0.0.1"

const deeds = ["kill", "restart", "freeze", "thaw"] as const

const portOf = ({ address }: EmbeddedNode): string => address.slice(address.lastIndexOf(":") + 1)

const show = (node: EmbeddedNode) => ({ port: Number(portOf(node)), id: node.id, state: node.state })

const refuse = (status: number, error: string) => HttpServerResponse.unsafeJson({ error }, { status })

const change = (disque: EmbeddedDisque.Service) =>
  Effect.gen(function* () {
    const params = yield* HttpRouter.params
    const node = disque.nodes.find((each) => portOf(each) === params.port)
    if (node === undefined) {
      return refuse(404, `no node has port ${params.port}: there are ${disque.nodes.map(portOf).join(", ")}`)
    }
    const deed = deeds.find((each) => each === params.deed)
    if (deed === undefined) return refuse(404, `a node can be told to ${deeds.join(", ")}, not ${params.deed}`)
    yield* disque[deed](node)
    if (deed !== "restart") return HttpServerResponse.unsafeJson(show(node))
    const loaded = yield* Effect.either(node.loaded)
    return loaded._tag === "Right" ? HttpServerResponse.unsafeJson(show(node)) : refuse(500, loaded.left.message)
  })

/** What is asked for in a browser comes with an origin: a page of somebody else must not end nodes. */
const refusePages = <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
    headers.origin === undefined ? app : Effect.succeed(refuse(403, "pages of a browser may not control nodes"))
  )

/**
 * Serves on the loopback address until the scope ends: `GET /nodes` shows the nodes, `POST /nodes/PORT/kill`, `restart`, `freeze` and
 * `thaw` do that to one. Returns the port.
 */
export const control = (disque: EmbeddedDisque.Service, port: number): Effect.Effect<number, CliError, Scope.Scope> =>
  Effect.gen(function* () {
    const server = yield* NodeHttpServer.make(createServer, { host, port }).pipe(
      Effect.mapError(() => new CliError({ message: `control port ${port} cannot be listened on: choose another one` }))
    )
    const router = HttpRouter.empty.pipe(
      HttpRouter.get(
        "/nodes",
        Effect.sync(() => HttpServerResponse.unsafeJson(disque.nodes.map(show)))
      ),
      HttpRouter.post("/nodes/:port/:deed", change(disque))
    )
    const app = Effect.catchTag(router, "RouteNotFound", () =>
      Effect.succeed(refuse(404, `ask for GET /nodes or POST /nodes/PORT/${deeds.join("|")}`))
    )
    yield* HttpServer.serveEffect(refusePages(app)).pipe(Effect.provideService(HttpServer.HttpServer, server))
    return server.address._tag === "TcpAddress" ? server.address.port : port
  })
