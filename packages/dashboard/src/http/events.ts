/** Streams of server-sent events: the answers of the API, as they change. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { End, Updates } from "../api/events.js"
import { TooMany } from "../DashboardError.js"
import type { Sampler } from "../sampling/sampler.js"
import type { Signal } from "../sampling/signal.js"

/** How often a stream says something, so that nobody in between takes it for dead. */
const aliveMillis = 15_000
/** The most streams at a time. */
const mostStreams = 200
/** How long a browser waits before it connects again. */
const retryMillis = 2000

const encoder = new TextEncoder()

const event = (name: string, data: string): string => `event: ${name}\ndata: ${data}\n\n`

interface Needs {
  readonly sampler: Sampler
  /** The server closes. */
  readonly closing: { readonly signal: Signal; readonly isClosing: boolean }
}

export class Events {
  private open = 0
  private readonly needs: Needs

  constructor(needs: Needs) {
    this.needs = needs
  }

  /** How many streams there are. */
  get size(): number {
    return this.open
  }

  /** A stream for a visitor. `update` is asked after each look; a failure is no update. */
  stream<K extends keyof Updates>(
    expiresAt: number,
    update: Effect.Effect<Updates[K], unknown> | undefined
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, TooMany> {
    return Effect.suspend(() => {
      if (this.open >= mostStreams) return new TooMany({ message: `there are ${mostStreams} open streams: close some` })
      const body = Stream.unwrapScoped(
        Effect.gen(this, function* () {
          yield* Effect.acquireRelease(
            Effect.sync(() => {
              this.open += 1
            }),
            () =>
              Effect.sync(() => {
                this.open -= 1
              })
          )
          yield* this.needs.sampler.attend
          return Stream.concat(
            Stream.succeed(`retry: ${retryMillis}\n\n`),
            new Viewer(this.needs, expiresAt, update as Effect.Effect<unknown, unknown> | undefined).events
          )
        })
      )
      return Effect.succeed(
        HttpServerResponse.stream(
          Stream.map(body, (text) => encoder.encode(text)),
          {
            contentType: "text/event-stream; charset=utf-8",
            // A proxy is not to wait until there is more.
            headers: { "cache-control": "no-store, no-transform", "x-accel-buffering": "no" }
          }
        )
      )
    })
  }
}

/** One stream: what it said last, and when. */
class Viewer {
  private update = ""
  private state = ""
  private saidAt = Number.NEGATIVE_INFINITY
  private hasBegun = false
  private hasEnded = false
  private readonly needs: Needs
  private readonly expiresAt: number
  private readonly asking: Effect.Effect<unknown, unknown> | undefined

  constructor(needs: Needs, expiresAt: number, asking: Effect.Effect<unknown, unknown> | undefined) {
    this.needs = needs
    this.expiresAt = expiresAt
    this.asking = asking
  }

  /** Each text is asked for when the one before was written: a slow browser misses looks, and nothing piles up. */
  get events(): Stream.Stream<string> {
    return Stream.repeatEffectOption(
      Effect.suspend(() => (this.hasEnded ? Effect.fail(Option.none()) : this.next))
    ).pipe(Stream.filter((text) => text !== ""))
  }

  private get next(): Effect.Effect<string> {
    return Effect.gen(this, function* () {
      // What is known is said at once, before the next look.
      if (this.hasBegun) yield* this.wait
      this.hasBegun = true
      const now = yield* Clock.currentTimeMillis
      if (this.needs.closing.isClosing) return this.end("closing")
      if (now >= this.expiresAt) return this.end("session")
      const { sampler } = this.needs
      const status = sampler.status(now)
      const said: Array<string> = []
      const state = JSON.stringify([status.state, status.nodes])
      if (state !== this.state || now - this.saidAt >= aliveMillis) {
        this.state = state
        said.push(event("status", JSON.stringify(status)))
      }
      if (this.asking !== undefined && status.state !== "starting" && status.state !== "down") {
        const answer = yield* Effect.option(Effect.sandbox(this.asking))
        const update = Option.match(answer, { onNone: () => "", onSome: (data) => JSON.stringify(data) })
        if (update !== "" && update !== this.update) {
          this.update = update
          said.push(event("update", update))
        }
      }
      if (said.length > 0) this.saidAt = now
      return said.join("")
    })
  }

  /** Waits for a look, and no longer than the session lasts, or than a stream may be silent. */
  private get wait(): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const { closing, sampler } = this.needs
      const until = Math.min(this.expiresAt, now + aliveMillis)
      return Effect.raceFirst(
        Effect.raceFirst(sampler.next, closing.signal.next),
        Effect.sleep(Math.max(0, until - now))
      )
    })
  }

  private end(reason: End["reason"]): string {
    this.hasEnded = true
    return event("end", JSON.stringify({ reason } satisfies End))
  }
}
