/** Answers that are not of the API's own making, and what all answers have in common. */

import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Schema from "effect/Schema"
import * as Errors from "../DashboardError.js"

const Refusal = Schema.Union(
  Errors.BadRequest,
  Errors.NotSignedIn,
  Errors.Forbidden,
  Errors.TooLarge,
  Errors.TooMany,
  Errors.CommandFailed,
  Errors.NotOnEveryNode,
  Errors.NoNodeAnswers
)
export type Refusal = typeof Refusal.Type

const encode = Schema.encodeSync(Refusal)

const statusOf = (error: Refusal): number =>
  HttpApiSchema.getStatusErrorAST((error.constructor as unknown as Schema.Schema.Any).ast)

/** An error as the API tells it. */
export const refusal = (error: Refusal): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.unsafeJson(encode(error), { status: statusOf(error) })

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'"
].join("; ")

const safe = {
  "content-security-policy": policy,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin"
}

/** With the headers that keep a browser from doing anything else with it than showing it. Nothing is kept, unless it says so. */
export const safely = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.setHeaders(response, {
    ...("cache-control" in response.headers ? {} : { "cache-control": "no-store" }),
    ...safe
  })

/** A page without anything to load. */
export const page = (status: number, title: string, text: string): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body><h1>${title}</h1><p>${text}</p></body></html>\n`,
    { status, contentType: "text/html; charset=utf-8" }
  )
