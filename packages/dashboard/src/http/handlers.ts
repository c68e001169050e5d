/** The endpoints of the API. Who asks, and whether they may, was decided before: see `Guard`. */
import { Cluster } from "@disco/core"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DashboardApi } from "../DashboardApi.js"
import type { Desk } from "../desk.js"
import { add, change } from "../jobs/changes.js"
import { failureOf } from "../jobs/errors.js"
import { take } from "../jobs/letters.js"
import type { Events } from "./events.js"
import { cookieName, type Guard, type Visitor } from "./guard.js"

/** Who made the request that is answered. */
export class CurrentVisitor extends Context.Tag("@disco/dashboard/CurrentVisitor")<CurrentVisitor, Visitor>() {}

interface Needs {
  readonly desk: Desk
  readonly events: Events
  readonly guard: Guard
  /** The path of the page, for cookies: it ends with a slash. */
  readonly path: string
}

/** Logs what somebody changes, and how it went; what was kept is forgotten. */
const logged = <A, E extends { readonly message: string }, R>(
  desk: Desk,
  what: string,
  effect: Effect.Effect<A, E, R>,
  outcome: (answer: A) => string = () => "done"
): Effect.Effect<A, E, R | CurrentVisitor> =>
  Effect.flatMap(CurrentVisitor, ({ name }) => {
    const line = (log: (text: string) => Effect.Effect<void>, text: string) =>
      Effect.annotateLogs(log(`${JSON.stringify(name)} ${what}: ${text}`), { visitor: name })
    return effect.pipe(
      Effect.tapBoth({
        onFailure: ({ message }) => line(Effect.logWarning, message),
        onSuccess: (answer) => line(Effect.logInfo, outcome(answer))
      }),
      // Somebody who leaves does not interrupt what has begun.
      Effect.onInterrupt(() => line(Effect.logWarning, "was interrupted, and may be done in part")),
      Effect.ensuring(desk.forget)
    )
  })

const session = ({ desk, guard, path }: Needs) =>
  HttpApiBuilder.group(DashboardApi, "session", (handlers) =>
    handlers
      .handle("status", () => desk.status)
      .handle("session", ({ request }) => guard.describe(request))
      .handle("signIn", ({ payload, request }) =>
        Effect.gen(function* () {
          if (!guard.sessions.needsPassword) return yield* guard.describe(request)
          yield* guard.sessions.check(payload.password)
          const session = yield* guard.sessions.begin
          const answer = yield* guard.describe(request, session)
          const isSecure = guard.options.trustProxy && request.headers["x-forwarded-proto"] === "https"
          return HttpServerResponse.unsafeSetCookie(HttpServerResponse.unsafeJson(answer), cookieName, session.id, {
            httpOnly: true,
            sameSite: "strict",
            secure: isSecure,
            path,
            maxAge: guard.options.sessionMillis
          })
        })
      )
      .handle("signOut", ({ request }) =>
        Effect.gen(function* () {
          guard.sessions.end(request.cookies[cookieName])
          const answer = yield* guard.describe(request)
          return HttpServerResponse.unsafeSetCookie(HttpServerResponse.unsafeJson(answer), cookieName, "", {
            httpOnly: true,
            sameSite: "strict",
            path,
            maxAge: 0
          })
        })
      )
  )

const queues = ({ desk }: Needs) =>
  HttpApiBuilder.group(DashboardApi, "queues", (handlers) =>
    handlers
      .handle("queues", ({ urlParams }) => Effect.zipRight(desk.ready, desk.queues(urlParams)))
      .handle("queue", ({ urlParams }) => Effect.zipRight(desk.ready, desk.queue(urlParams.name)))
      .handle("history", ({ urlParams }) => desk.history(urlParams.name))
      .handle("head", ({ urlParams }) => desk.head(urlParams))
      .handle("counts", ({ urlParams }) => desk.counts(urlParams.name))
      .handle("jobs", ({ urlParams }) => desk.jobs(urlParams))
      .handle("pause", ({ payload: { name, pause } }) => {
        const pausing = Effect.mapError(desk.withPool(Cluster.pause(name, pause)), failureOf)
        return logged(
          desk,
          `sets what is paused of the queue ${JSON.stringify(name)} to ${pause}`,
          Effect.map(pausing, (changes) => ({ changes })),
          ({ changes }) => `done on ${changes.map(({ before, node }) => `${node} (before: ${before})`).join(", ")}`
        )
      })
      .handle("add", ({ payload }) =>
        logged(
          desk,
          `adds a job to the queue ${JSON.stringify(payload.name)}`,
          desk.withPool(add(payload)),
          ({ id }) => id
        )
      )
  )

const jobs = ({ desk }: Needs) =>
  HttpApiBuilder.group(DashboardApi, "jobs", (handlers) =>
    handlers
      .handle("job", ({ urlParams }) => desk.job(urlParams.id))
      .handle("change", ({ payload }) =>
        logged(desk, `${payload.change}s ${payload.ids.length} jobs`, desk.withPool(change(payload)), ({ jobs }) =>
          jobs.map(({ id, text }) => `${id} ${text}`).join("; ")
        )
      )
  )

const cluster = ({ desk }: Needs) =>
  HttpApiBuilder.group(DashboardApi, "cluster", (handlers) =>
    handlers
      .handle("cluster", () => Effect.zipRight(desk.ready, desk.cluster))
      .handle("drain", ({ payload: { moves, node } }) =>
        Effect.zipRight(
          logged(
            desk,
            `drains the node ${JSON.stringify(node)}${moves ? ", and moves its jobs" : ""}`,
            desk.drains.start(node, moves),
            () => "begun"
          ),
          desk.cluster
        )
      )
      .handle("undrain", ({ payload: { node } }) =>
        Effect.zipRight(
          logged(desk, `makes the node ${JSON.stringify(node)} stay`, desk.drains.stop(node)),
          desk.cluster
        )
      )
  )

const workers = ({ desk }: Needs) =>
  HttpApiBuilder.group(DashboardApi, "workers", (handlers) => {
    const taking =
      (deed: "redrive" | "purge") =>
      ({ payload }: { readonly payload: Parameters<typeof take>[1] }) =>
        logged(
          desk,
          `${deed}s dead letters of the queue ${JSON.stringify(payload.queue)}`,
          desk.withPool(take(deed, payload)),
          ({ count }) => `${count} letters`
        )
    return handlers
      .handle("workers", () => Effect.zipRight(desk.ready, desk.workers))
      .handle("dead", ({ urlParams }) => desk.letters(urlParams))
      .handle("redrive", taking("redrive"))
      .handle("purge", taking("purge"))
  })

const events = ({ desk, events }: Needs) =>
  HttpApiBuilder.group(DashboardApi, "events", (handlers) => {
    const until = Effect.map(CurrentVisitor, ({ expiresAt }) => expiresAt)
    return handlers
      .handle("queuesEvents", ({ urlParams }) =>
        Effect.flatMap(until, (end) => events.stream<"queues">(end, desk.queues(urlParams)))
      )
      .handle("queueEvents", ({ urlParams }) =>
        Effect.flatMap(until, (end) => events.stream<"queue">(end, desk.queue(urlParams.name)))
      )
      .handle("jobEvents", ({ urlParams }) =>
        Effect.flatMap(until, (end) => events.stream<"job">(end, desk.job(urlParams.id)))
      )
      .handle("clusterEvents", () => Effect.flatMap(until, (end) => events.stream<"cluster">(end, desk.cluster)))
      .handle("workersEvents", () => Effect.flatMap(until, (end) => events.stream<"workers">(end, desk.workers)))
      .handle("statusEvents", () => Effect.flatMap(until, (end) => events.stream(end, undefined)))
  })

/** The endpoints as an app, for requests whose path begins with `/api`. */
export const api = (needs: Needs) => {
  // Each request brings its own visitor: this one may do nothing.
  const nobody = Layer.succeed(CurrentVisitor, { name: "nobody", expiresAt: 0 })
  const groups = Layer.mergeAll(
    session(needs),
    queues(needs),
    jobs(needs),
    cluster(needs),
    workers(needs),
    events(needs)
  )
  const built = HttpApiBuilder.api(DashboardApi).pipe(Layer.provide(groups), Layer.provide(nobody))
  const routes = Layer.merge(HttpApiBuilder.Router.Live, HttpApiBuilder.Middleware.layer)
  return Effect.flatMap(Layer.build(Layer.provideMerge(built, routes)), (context) =>
    Effect.map(
      Effect.provide(HttpApiBuilder.httpApp, context),
      // What the API needs of files is for uploads, of which it has none.
      (app) => app as HttpApp.Default
    )
  )
}
