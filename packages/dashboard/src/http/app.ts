/** All that the dashboard answers: the page, the API, and the figures for other programs. */
import { Prometheus } from "@disco/core/internal"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { Assets } from "../assets.js"
import { DashboardApi } from "../DashboardApi.js"
import * as Errors from "../DashboardError.js"
import type { Desk } from "../desk.js"
import { page, type Refusal, refusal, safely } from "./answers.js"
import { Events } from "./events.js"
import { body, type Guard } from "./guard.js"
import { api, CurrentVisitor } from "./handlers.js"

type Response = HttpServerResponse.HttpServerResponse
type Request = HttpServerRequest.HttpServerRequest

interface Needs {
  readonly desk: Desk
  readonly guard: Guard
  readonly assets: Assets
  readonly closing: ConstructorParameters<typeof Events>[0]["closing"]
  /** Without a slash at its end. */
  readonly basePath: string
}

const notFound = HttpServerResponse.unsafeJson({ _tag: "NotFound", message: "there is nothing here" }, { status: 404 })

const notAllowed = (allow: string): Response =>
  HttpServerResponse.unsafeJson(
    { _tag: "MethodNotAllowed", message: `expected ${allow}` },
    { status: 405, headers: { allow } }
  )

const isRead = ({ method }: Request): boolean => method === "GET" || method === "HEAD"

/** The path of a request below the base path; undefined if it is not there. */
const pathBelow = (base: string, url: string): string | undefined => {
  const path = url.split(/[?#]/, 1)[0] ?? ""
  return path === base || path.startsWith(`${base}/`) ? path.slice(base.length) : undefined
}

const known: ReadonlySet<string> = new Set(Object.keys(Errors))

const isRefusal = (error: unknown): error is Refusal =>
  Predicate.hasProperty(error, "_tag") && known.has(String(error._tag))

/** The answer where there is none. What went wrong here is for the log, and not for the viewer. */
const recover = (request: Request, cause: Cause.Cause<unknown>): Effect.Effect<Response> => {
  if (Cause.isInterruptedOnly(cause)) return Effect.interrupt
  const error = Cause.squash(cause)
  if (isRefusal(error)) return Effect.succeed(refusal(error))
  if (Predicate.isTagged(error, "RouteNotFound")) return Effect.succeed(notFound)
  const sorry = { _tag: "Unexpected", message: "something went wrong here: the log of the dashboard says more" }
  return Effect.as(
    Effect.logError(`${request.method} ${JSON.stringify(request.url)} could not be answered`, cause),
    HttpServerResponse.unsafeJson(sorry, { status: 500 })
  )
}

export const makeApp = (needs: Needs) =>
  Effect.gen(function* () {
    const { assets, basePath, closing, desk, guard } = needs
    const events = new Events({ sampler: desk.sampler, closing })
    const endpoints = yield* api({ desk, guard, events, path: `${basePath}/` })
    const description = HttpServerResponse.unsafeJson(OpenApi.fromApi(DashboardApi))

    /** Answers without details of the cluster, for who watches over this process. */
    const health = Effect.map(desk.status, ({ state }) => {
      const isUp = state === "up" || state === "partly"
      return HttpServerResponse.unsafeJson({ status: state }, { status: isUp ? 200 : 503 })
    })

    const metrics = Effect.map(desk.metrics, (text) =>
      HttpServerResponse.text(text, { contentType: Prometheus.contentType })
    )

    const isSession = (path: string): boolean => path === "/api/session"

    const toEndpoint = (request: Request, path: string) =>
      Effect.gen(function* () {
        if (path === "/api/openapi.json") return description
        const isChange = !isRead(request)
        // Who is not signed in may ask what is allowed, and sign in.
        if (isSession(path) && (!isChange || request.method === "POST")) {
          yield* guard.origin(request)
          if (isChange) yield* body(request)
          return yield* inner(request, { name: "somebody", expiresAt: 0 })
        }
        const visitor = yield* guard.visitor(request)
        if (isChange && !isSession(path)) yield* guard.change(request)
        else if (isChange) yield* guard.origin(request)
        return yield* inner(request, visitor)
      })

    const inner = (request: Request, visitor: CurrentVisitor["Type"]) =>
      endpoints.pipe(
        Effect.provideService(HttpServerRequest.HttpServerRequest, request),
        Effect.provideService(CurrentVisitor, visitor)
      )

    const answer = (given: Request) =>
      Effect.gen(function* () {
        const path = pathBelow(basePath, given.url)
        if (path === undefined) return notFound
        // The body is read from this one alone: another one would not have it any more.
        const request = basePath === "" ? given : given.modify({ url: given.url.slice(basePath.length) })
        if (path === "/health") return isRead(request) ? yield* health : notAllowed("GET")
        yield* guard.host(request)
        if (path === "") return HttpServerResponse.redirect(`${basePath}/`, { status: 308 })
        if (path === "/metrics") {
          if (!isRead(request)) return notAllowed("GET")
          yield* guard.visitor(request)
          return yield* metrics
        }
        if (path.startsWith("/api/")) return yield* toEndpoint(request, path)
        if (!isRead(request)) return notAllowed("GET")
        return assets.answer(path.slice(1), request.headers) ?? page(404, "Nothing here", "There is no such page.")
      })

    const app = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      answer(request).pipe(
        Effect.catchAllCause((cause) => recover(request, cause)),
        Effect.map(safely)
      )
    )
    return app as HttpApp.Default
  })
