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
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { CliError } from "./CliError.js"
import * as log from "./serve/log.js"

/** The nodes, and what can be done to them. */
export interface Faults extends Pick<EmbeddedDisque.Service, "nodes" | "kill" | "freeze" | "thaw"> {
  readonly restart: (node: EmbeddedNode) => Effect.Effect<void, CliError>
}

const host = "127.0.0.1"

const deeds = ["kill", "restart", "freeze", "thaw"] as const

const portOf = ({ address }: EmbeddedNode): string => address.slice(address.lastIndexOf(":") + 1)

const show = (node: EmbeddedNode) => ({ port: Number(portOf(node)), id: node.id, state: node.state })

const refuse = (status: number, error: string) => HttpServerResponse.unsafeJson({ error }, { status })

/** Does one of `deeds`; what comes back is why it could not be done. */
const act = (faults: Faults, node: EmbeddedNode, deed: (typeof deeds)[number]) =>
  Effect.gen(function* () {
    if (deed !== "restart") return yield* faults[deed](node)
    yield* faults.restart(node)
    yield* node.loaded
  }).pipe(Effect.either, Effect.map(Either.getLeft))

const change = (faults: Faults) =>
  Effect.gen(function* () {
    const params = yield* HttpRouter.params
    const node = faults.nodes.find((each) => portOf(each) === params.port)
    if (node === undefined) {
      return refuse(404, `no node has port ${params.port}: there are ${faults.nodes.map(portOf).join(", ")}`)
    }
    const deed = deeds.find((each) => each === params.deed)
    if (deed === undefined) return refuse(404, `a node can be told to ${deeds.join(", ")}, not ${params.deed}`)
    if (node.state === "down" && (deed === "freeze" || deed === "thaw")) {
      return refuse(409, `the node at port ${params.port} is down: restart it first`)
    }
    const failure = yield* act(faults, node, deed)
    const details = { deed, address: node.address, state: node.state }
    yield* log.notice("fault", `${deed}, by the control port: the node at ${node.address} is ${node.state}`, details)
    return Option.match(failure, {
      onNone: () => HttpServerResponse.unsafeJson(show(node)),
      onSome: ({ message }) => refuse(500, message)
    })
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
export const control = (faults: Faults, port: number): Effect.Effect<number, CliError, Scope.Scope> =>
  Effect.gen(function* () {
    const server = yield* NodeHttpServer.make(createServer, { host, port }).pipe(
      Effect.mapError(() => new CliError({ message: `control port ${port} cannot be listened on: choose another one` }))
    )
    const router = HttpRouter.empty.pipe(
      HttpRouter.get(
        "/nodes",
        Effect.sync(() => HttpServerResponse.unsafeJson(faults.nodes.map(show)))
      ),
      HttpRouter.post("/nodes/:port/:deed", change(faults))
    )
    const app = Effect.catchTag(router, "RouteNotFound", () =>
      Effect.succeed(refuse(404, `ask for GET /nodes or POST /nodes/PORT/${deeds.join("|")}`))
    )
    yield* HttpServer.serveEffect(refusePages(app)).pipe(Effect.provideService(HttpServer.HttpServer, server))
    return server.address._tag === "TcpAddress" ? server.address.port : port
  })
