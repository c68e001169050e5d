/** Requests to a dashboard in this process, over embedded nodes and without sockets. */
import { DisquePool, type PoolOptions } from "@disco/core"
import { EmbeddedDisque, VirtualTime } from "@disco/embedded"
import { FileSystem, Headers, type HttpApp, HttpServerRequest, type HttpServerResponse, Path } from "@effect/platform"
import { Chunk, Effect, Layer, Logger, type LogLevel, Option, Schema, Stream } from "effect"
import { Dashboard } from "../../src/index.js"

/** Three nodes, 127.0.0.1:7711 to 7713, and a pool; no files. */
export const cluster = (nodes = 3, options?: PoolOptions) =>
  Layer.mergeAll(
    Layer.provideMerge(
      DisquePool.layer(options),
      Layer.provideMerge(EmbeddedDisque.layerDialer, EmbeddedDisque.layer({ nodes }))
    ),
    FileSystem.layerNoop({}),
    Path.layer
  )

export interface Request {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is. */
  readonly raw?: string
}

export interface Answer {
  readonly status: number
  readonly headers: Headers.Headers
  readonly cookie: string | undefined
  readonly text: string
  /** For JSON of any form. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect of it
  readonly json: any
}

const textOf = (response: HttpServerResponse.HttpServerResponse): string =>
  response.body._tag === "Uint8Array" ? new TextDecoder().decode(response.body.body) : ""

const cookieOf = ({ cookies }: HttpServerResponse.HttpServerResponse): string | undefined => {
  const [first] = Object.values(cookies.cookies)
  return first === undefined ? undefined : `${first.name}=${first.value}`
}

export class Client {
  private readonly app: HttpApp.Default
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>

  constructor(app: HttpApp.Default, headers: Readonly<Record<string, string>> = {}) {
    this.app = app
    this.headers = headers
  }

  with(headers: Readonly<Record<string, string>>): Client {
    return new Client(this.app, { ...this.headers, ...headers })
  }

  private respond(path: string, { body, headers, method = "GET", raw }: Request) {
    const text = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const web = new globalThis.Request(`http://127.0.0.1:7780${path}`, {
      method,
      ...(text === undefined ? {} : { body: text })
    })
    const all = {
      host: "127.0.0.1:7780",
      ...(text === undefined ? {} : { "content-type": "application/json", "content-length": String(text.length) }),
      ...this.headers,
      ...headers
    }
    const request = HttpServerRequest.fromWeb(web).modify({
      headers: Headers.fromInput(all),
      remoteAddress: "127.0.0.1"
    })
    return Effect.provideService(this.app, HttpServerRequest.HttpServerRequest, request)
  }

  send(path: string, request: Request = {}): Effect.Effect<Answer> {
    return this.respond(path, request).pipe(
      Effect.map((response) => {
        const text = textOf(response)
        const isJson = response.headers["content-type"]?.includes("json") === true
        const { headers, status } = response
        return { status, headers, cookie: cookieOf(response), text, json: isJson ? JSON.parse(text) : undefined }
      }),
      Effect.scoped,
      VirtualTime.run
    )
  }

  /** The token of the session. */
  get token(): Effect.Effect<string> {
    return Effect.map(this.send("/api/session"), ({ json }) => json.token)
  }

  /** A request that changes something, with the token. */
  post(path: string, body: unknown): Effect.Effect<Answer> {
    return Effect.flatMap(this.token, (token) =>
      this.send(path, { method: "POST", body, headers: { "x-disco-token": token } })
    )
  }

  /** What a GET answers, read by its schema. */
  get<A, I>(schema: Schema.Schema<A, I>, path: string): Effect.Effect<A> {
    return Effect.flatMap(this.send(path), ({ json, status, text }) =>
      status === 200 ? Effect.orDie(Schema.decodeUnknown(schema)(json)) : Effect.die(`status ${status}: ${text}`)
    )
  }

  /** A stream of events, as it comes. */
  events(path: string): Stream.Stream<{ readonly event: string; readonly data: unknown }> {
    return Stream.unwrapScoped(
      Effect.map(this.respond(path, {}), ({ body }) =>
        body._tag === "Stream" ? Stream.orDie(body.stream) : Stream.die(`no stream: ${textOf({ body } as never)}`)
      )
    ).pipe(
      Stream.decodeText(),
      Stream.flatMap((text) => Stream.fromIterable(text.split("\n\n"))),
      Stream.filterMap((block) => {
        const found = /^event: (\w+)\ndata: (.*)$/s.exec(block)
        return found === null
          ? Option.none()
          : Option.some({ event: found[1] as string, data: JSON.parse(found[2] as string) })
      })
    )
  }

  /** The first events of a stream. Virtual time passes meanwhile. */
  first(path: string, count: number) {
    return VirtualTime.run(
      Effect.map(Stream.runCollect(Stream.take(this.events(path), count)), (events) => Chunk.toReadonlyArray(events))
    )
  }
}

export const open = (options?: Dashboard.DashboardOptions) =>
  Effect.map(Dashboard.httpApp(options), (app) => new Client(app))

/** Keeps what is logged. */
export const logs = () => {
  const lines: Array<{ readonly level: LogLevel.LogLevel["label"]; readonly text: string }> = []
  const logger = Logger.make(({ logLevel, message }) => {
    lines.push({ level: logLevel.label, text: (Array.isArray(message) ? message : [message]).join(" ") })
  })
  return { lines, layer: Logger.replace(Logger.defaultLogger, logger) }
}
