/**
 * The HTTP API of the dashboard: what its page asks, and what other programs may ask too.
 *
 * Everything is JSON. Times are in milliseconds, moments in milliseconds since 1970. Requests that change something are POST or
 * DELETE, have a body of the type `application/json`, and have the token of the session in the header `x-disco-token`; see
 * `GET /api/session`. A program may send the password as `Authorization: Bearer` instead of a session, and then needs no token.
 * `GET /api/openapi.json` describes all of it. Beside the API there are `GET /health` and `GET /metrics`.
 *
 * @since 0.1.0
 */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as Cluster from "./api/cluster.js"
import * as Jobs from "./api/jobs.js"
import * as Queues from "./api/queues.js"
import * as Session from "./api/session.js"
import * as Status from "./api/status.js"
import * as Workers from "./api/workers.js"
import * as Errors from "./DashboardError.js"

const { del, get, post } = HttpApiEndpoint

const session = HttpApiGroup.make("session")
  .add(get("session", "/session").addSuccess(Session.Session))
  .add(post("signIn", "/session").setPayload(Session.SignIn).addSuccess(Session.Session))
  .add(del("signOut", "/session").addSuccess(Session.Session))
  .add(get("status", "/status").addSuccess(Status.Status))

const queues = HttpApiGroup.make("queues")
  .add(get("queues", "/queues").setUrlParams(Queues.QueuesParams).addSuccess(Queues.QueuesPage))
  .add(get("queue", "/queue").setUrlParams(Queues.QueueParams).addSuccess(Queues.QueueAnswer))
  .add(get("history", "/queue/history").setUrlParams(Queues.QueueParams).addSuccess(Queues.History))
  .add(get("head", "/queue/head").setUrlParams(Jobs.HeadParams).addSuccess(Jobs.Head))
  .add(get("counts", "/queue/counts").setUrlParams(Queues.QueueParams).addSuccess(Queues.JobCounts))
  .add(get("jobs", "/queue/jobs").setUrlParams(Jobs.JobsParams).addSuccess(Jobs.JobsPage))
  .add(post("pause", "/queue/pause").setPayload(Queues.PauseRequest).addSuccess(Queues.PauseAnswer))
  .add(post("add", "/queue/add").setPayload(Jobs.AddRequest).addSuccess(Jobs.AddAnswer))

const jobs = HttpApiGroup.make("jobs")
  .add(get("job", "/job").setUrlParams(Jobs.JobParams).addSuccess(Jobs.JobAnswer))
  .add(post("change", "/jobs").setPayload(Jobs.JobsRequest).addSuccess(Jobs.JobsAnswer))

const cluster = HttpApiGroup.make("cluster")
  .add(get("cluster", "/cluster").addSuccess(Cluster.ClusterAnswer))
  .add(post("drain", "/cluster/drain").setPayload(Cluster.DrainRequest).addSuccess(Cluster.ClusterAnswer))
  .add(post("undrain", "/cluster/undrain").setPayload(Cluster.UndrainRequest).addSuccess(Cluster.ClusterAnswer))

const workers = HttpApiGroup.make("workers")
  .add(get("workers", "/workers").addSuccess(Workers.WorkersAnswer))
  .add(get("dead", "/dead").setUrlParams(Workers.DeadParams).addSuccess(Workers.DeadLetters))
  .add(post("redrive", "/dead/redrive").setPayload(Workers.DeadSelection).addSuccess(Workers.DeadAnswer))
  .add(post("purge", "/dead/purge").setPayload(Workers.DeadSelection).addSuccess(Workers.DeadAnswer))

const stream = HttpApiSchema.Text({ contentType: "text/event-stream" })

// Each has the parameters of the answer that it pushes.
const events = HttpApiGroup.make("events")
  .add(get("queuesEvents", "/events/queues").setUrlParams(Queues.QueuesParams).addSuccess(stream))
  .add(get("queueEvents", "/events/queue").setUrlParams(Queues.QueueParams).addSuccess(stream))
  .add(get("jobEvents", "/events/job").setUrlParams(Jobs.JobParams).addSuccess(stream))
  .add(get("clusterEvents", "/events/cluster").addSuccess(stream))
  .add(get("workersEvents", "/events/workers").addSuccess(stream))
  .add(get("statusEvents", "/events/status").addSuccess(stream))

/**
 * The endpoints, with a Schema for each request, answer and error.
 *
 * @example
 * ```ts
 * import { DashboardApi } from "@disco/dashboard"
 * import { HttpApiClient } from "@effect/platform"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const client = yield* HttpApiClient.make(DashboardApi, { baseUrl: "http://127.0.0.1:7780" })
 *   const { queues } = yield* client.queues.queues({ urlParams: { badge: "no consumers" } })
 *   return queues.map(({ length, name }) => `${name}: ${length} jobs`)
 * })
 * ```
 *
 * @since 0.1.0
 * @category api
 */
export class DashboardApi extends HttpApi.make("disco-dashboard")
  .add(session)
  .add(queues)
  .add(jobs)
  .add(cluster)
  .add(workers)
  .add(events)
  .prefix("/api")
  .addError(Errors.BadRequest)
  .addError(Errors.NotSignedIn)
  .addError(Errors.Forbidden)
  .addError(Errors.TooLarge)
  .addError(Errors.TooMany)
  .addError(Errors.CommandFailed)
  .addError(Errors.NotOnEveryNode)
  .addError(Errors.NoNodeAnswers) {}
