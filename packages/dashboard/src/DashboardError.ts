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
 * @since 0.1.0
 * @category errors
 */
export class NoNodeAnswers extends Schema.TaggedError<NoNodeAnswers>()(
  "NoNodeAnswers",
  { message: Schema.String },
  HttpApiSchema.annotations({ status: 503 })
) {}
