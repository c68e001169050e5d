/**
 * What a request to the dashboard can fail with. Each error has a `message` for people, and its `_tag` for programs.
 *
 * @since 0.1.0
 */
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as Schema from "effect/Schema"
import { NodeProblem } from "./api/values.js"

/**
 * 400: a parameter or the body of the request does not fit; the message names it.
 *
 * @example
 * ```ts
 * import { DashboardApi } from "@disco/dashboard"
 * import { HttpApiClient } from "@effect/platform"
 * import { Console, Effect } from "effect"
 *
 * // What a command says that pauses a queue by the dashboard.
 * const program = Effect.gen(function* () {
 *   const client = yield* HttpApiClient.make(DashboardApi, { baseUrl: "http://127.0.0.1:7780" })
 *   yield* client.queues.pause({ payload: { name: "emails", pause: "out" } })
 * }).pipe(
 *   Effect.catchTags({
 *     NotSignedIn: () => Console.error("sign in first"),
 *     Forbidden: ({ reason }) => Console.error(reason === "read-only" ? "this dashboard changes nothing" : reason),
 *     TooMany: () => Console.error("wait a while"),
 *     BadRequest: ({ message }) => Console.error(message),
 *     TooLarge: ({ message }) => Console.error(message),
 *     CommandFailed: ({ message, reason }) => Console.error(`${reason}: ${message}`),
 *     NotOnEveryNode: ({ done, failures }) => Console.error(`done on ${done.length} nodes, not on ${failures.length}`),
 *     NoNodeAnswers: () => Console.error("the cluster cannot be reached")
 *   })
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class BadRequest extends Schema.TaggedError<BadRequest>()(
  "BadRequest",
  { message: Schema.String },
  HttpApiSchema.annotations({ status: 400 })
) {}

/**
 * 401: there is no session, or it has expired. `POST /api/session` makes one, with the password.
 *
 * @see {@link BadRequest}
 * @since 0.1.0
 * @category errors
 */
export class NotSignedIn extends Schema.TaggedError<NotSignedIn>()(
  "NotSignedIn",
  { message: Schema.String },
  HttpApiSchema.annotations({ status: 401 })
) {}

/**
 * 403: the request is not let through.
 *
 * - `read-only`: this dashboard changes nothing
 * - `token`: the header `x-disco-token` has not the token of the session. `GET /api/session` tells it; then try again, once
 * - `origin`: the request comes from a page of another site
 * - `host`: the request names a host that this dashboard is not reached by
 * - `password`: the password is wrong
 *
 * @see {@link BadRequest}
 * @since 0.1.0
 * @category errors
 */
export class Forbidden extends Schema.TaggedError<Forbidden>()(
  "Forbidden",
  { reason: Schema.Literal("read-only", "token", "origin", "host", "password"), message: Schema.String },
  HttpApiSchema.annotations({ status: 403 })
) {}

/**
 * 413: the body of the request is too long.
 *
 * @see {@link BadRequest}
 * @since 0.1.0
 * @category errors
 */
export class TooLarge extends Schema.TaggedError<TooLarge>()(
  "TooLarge",
  { message: Schema.String },
  HttpApiSchema.annotations({ status: 413 })
) {}

/**
 * 429: too many wrong passwords, or too many open streams; wait a while.
 *
 * @see {@link BadRequest}
 * @since 0.1.0
 * @category errors
 */
export class TooMany extends Schema.TaggedError<TooMany>()(
  "TooMany",
  { message: Schema.String },
  HttpApiSchema.annotations({ status: 429 })
) {}

/**
 * 502: the cluster did not do what was asked. `reason` is the tag of the error, such as `QueuePaused` or `NotReplicated`.
 *
 * @see {@link BadRequest}
 * @since 0.1.0
 * @category errors
 */
export class CommandFailed extends Schema.TaggedError<CommandFailed>()(
  "CommandFailed",
  { reason: Schema.String, message: Schema.String },
  HttpApiSchema.annotations({ status: 502 })
) {}

/**
 * 502: a change was made on the nodes `done`, and not on those of `failures`.
 *
 * @see {@link BadRequest}
 * @since 0.1.0
 * @category errors
 */
export class NotOnEveryNode extends Schema.TaggedError<NotOnEveryNode>()(
  "NotOnEveryNode",
  { message: Schema.String, done: Schema.Array(Schema.String), failures: Schema.Array(NodeProblem) },
  HttpApiSchema.annotations({ status: 502 })
) {}

/**
 * 503: no node answers. `GET /api/status` tells which were tried, since when, and why not.
 *
 * @see {@link BadRequest}
 * @since 0.1.0
 * @category errors
 */
export class NoNodeAnswers extends Schema.TaggedError<NoNodeAnswers>()(
  "NoNodeAnswers",
  { message: Schema.String },
  HttpApiSchema.annotations({ status: 503 })
) {}
