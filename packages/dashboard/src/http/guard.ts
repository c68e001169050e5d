/** Who is let through, and to what. Every request to the API comes by here first. */
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Session as SessionAnswer } from "../api/session.js"
import { BadRequest, Forbidden, NotSignedIn, TooLarge, type TooMany } from "../DashboardError.js"
import { hostName, hostOfOrigin, isLoopbackHost } from "./hosts.js"
import { isSame, type Session, Sessions } from "./sessions.js"

type Request = HttpServerRequest.HttpServerRequest

export interface GuardOptions {
  readonly password: ConstructorParameters<typeof Sessions>[0]
  readonly sessionMillis: number
  readonly trustProxy: boolean
  readonly isReadOnly: boolean
  readonly hidesPayloads: boolean
  /** Further names by which a dashboard without a password is reached. */
  readonly hosts: ReadonlyArray<string>
  readonly typedQueues: ReadonlyArray<string>
}

/** Who asks, for as long as that is allowed. */
export interface Visitor {
  /** For the log. */
  readonly name: string
  /** The end of the session, in milliseconds since 1970. */
  readonly expiresAt: number
}

export const cookieName = "disco_session"
export const tokenHeader = "x-disco-token"

/** The most bytes of the body of a request: a job of 1 MB in base64, in JSON. */
const mostBytes = 2 * 1024 * 1024

const forbidden = (reason: Forbidden["reason"], message: string) => new Forbidden({ reason, message })

export class Guard {
  readonly sessions: Sessions
  readonly options: GuardOptions

  constructor(options: GuardOptions) {
    this.options = options
    this.sessions = new Sessions(options.password, options.sessionMillis)
  }

  /** Refuses a request that names a host which is not ours: a browser was led here by a name of somebody else. */
  host(request: Request): Effect.Effect<void, Forbidden> {
    return Effect.suspend(() => {
      // A session or a proxy says who asks, whatever the name.
      if (this.sessions.needsPassword || this.options.trustProxy) return Effect.void
      const name = hostName(request.headers.host)
      if (name !== undefined && (isLoopbackHost(name) || this.options.hosts.includes(name))) return Effect.void
      return forbidden(
        "host",
        `this dashboard has no password, and is reached by localhost or 127.0.0.1 alone, not by ${JSON.stringify(name ?? "")}`
      )
    })
  }

  /** Lets a visitor through who is signed in. */
  visitor(request: Request): Effect.Effect<Visitor, Forbidden | NotSignedIn | TooMany> {
    return Effect.gen(this, function* () {
      const name = nameOf(request, this.options.trustProxy)
      if (!this.sessions.needsPassword) return { name, expiresAt: Number.POSITIVE_INFINITY }
      const bearer = bearerOf(request)
      if (bearer !== undefined) {
        yield* this.sessions.check(bearer)
        return { name, expiresAt: Number.POSITIVE_INFINITY }
      }
      const session = this.sessions.find(request.cookies[cookieName], yield* Clock.currentTimeMillis)
      if (session === undefined)
        return yield* new NotSignedIn({ message: "there is no session, or it has expired: sign in" })
      return { name, expiresAt: session.expiresAt }
    })
  }

  /** Refuses a change that did not come from the page itself, and any change if this dashboard is read-only. */
  change(request: Request): Effect.Effect<void, Forbidden | BadRequest | TooLarge> {
    return Effect.gen(this, function* () {
      if (this.options.isReadOnly) return yield* forbidden("read-only", "this dashboard is read-only")
      yield* this.origin(request)
      yield* body(request)
      // No other site can make a browser send the password in this header.
      if (bearerOf(request) !== undefined) return
      const session = this.sessions.find(request.cookies[cookieName], yield* Clock.currentTimeMillis)
      const wanted = this.sessions.needsPassword ? session?.token : this.sessions.openToken
      const given = request.headers[tokenHeader]
      if (wanted === undefined || given === undefined || !isSame(given, wanted)) {
        return yield* forbidden("token", `the header ${tokenHeader} has not the token of this session`)
      }
    })
  }

  /** Refuses a request that a page of another site sends. */
  origin(request: Request): Effect.Effect<void, Forbidden> {
    return Effect.suspend(() => {
      const { host, origin, "sec-fetch-site": site, "x-forwarded-host": forwarded } = request.headers
      const isForeign =
        (site !== undefined && site !== "same-origin" && site !== "none") || !this.isOurs(origin, host, forwarded)
      return isForeign ? forbidden("origin", "the request comes from a page of another site") : Effect.void
    })
  }

  private isOurs(origin: string | undefined, host: string | undefined, forwarded: string | undefined): boolean {
    if (origin === undefined) return true
    const from = hostOfOrigin(origin)
    return from !== undefined && (from === host || (this.options.trustProxy && from === forwarded))
  }

  /** What is allowed to whoever asks. */
  describe(request: Request, fresh?: Session): Effect.Effect<SessionAnswer> {
    return Effect.map(Clock.currentTimeMillis, (now) => {
      const { hidesPayloads, isReadOnly, typedQueues } = this.options
      const { needsPassword, openToken } = this.sessions
      const session = fresh ?? this.sessions.find(request.cookies[cookieName], now)
      return {
        isSignedIn: !needsPassword || session !== undefined,
        needsPassword,
        isReadOnly,
        hidesPayloads,
        token: needsPassword ? (session?.token ?? null) : openToken,
        expiresAt: session?.expiresAt ?? null,
        typedQueues: !needsPassword || session !== undefined ? typedQueues : []
      }
    })
  }
}

const bearerOf = (request: Request): string | undefined =>
  /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1]

/** Who asks, as the log names them: a proxy that is trusted may say more. */
const nameOf = (request: Request, trustProxy: boolean): string => {
  const { "x-forwarded-for": from, "x-forwarded-user": user } = request.headers
  const address =
    (trustProxy ? from?.split(",")[0]?.trim() : undefined) ?? Option.getOrElse(request.remoteAddress, () => "somebody")
  return trustProxy && user !== undefined ? `${user} at ${address}` : address
}

/** Reads the body, which the API reads again: JSON of a bounded size. */
export const body = (request: Request): Effect.Effect<void, BadRequest | TooLarge> =>
  Effect.gen(function* () {
    if (request.method === "DELETE") return
    const type = request.headers["content-type"] ?? ""
    if (!/^application\/json\s*(;|$)/i.test(type)) {
      return yield* new BadRequest({
        message: `a body of the type application/json is expected, and not ${JSON.stringify(type)}`
      })
    }
    const tooLarge = new TooLarge({
      message: `the body of the request is too long: expected ${mostBytes} bytes at most`
    })
    if (Number(request.headers["content-length"] ?? 0) > mostBytes) return yield* tooLarge
    const text = yield* HttpIncomingMessage.withMaxBodySize(
      Effect.mapError(request.text, () => tooLarge),
      Option.some(mostBytes)
    )
    yield* Effect.try({
      try: () => JSON.parse(text),
      catch: () => new BadRequest({ message: "the body of the request is no JSON" })
    })
  })
