/** What a process answers to those who watch over it. */
import type { DisquePool } from "@disco/core"
import { Prometheus } from "@disco/core/internal"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { fetched, health } from "./health.js"
import * as metrics from "./metrics.js"

/** How far a process has come. */
export interface Phase {
  /** When the process began, in milliseconds since 1970. */
  readonly startedAt: number
  /** The pool, once the workers have begun. */
  pool: DisquePool.Service | undefined
  /** Whether the process is to end: its workers finish what they have. */
  isEnding: boolean
}

const notReady = (reason: string) => HttpServerResponse.unsafeJson({ ready: false, reason }, { status: 503 })

/** The endpoints of a process. `boundMillis` is how old its last completed fetch may be. */
export const app = (phase: Phase, boundMillis: number) => {
  const fetchers = Effect.suspend(() =>
    phase.pool === undefined ? Effect.succeed(undefined) : Effect.map(phase.pool.health, ({ fetchers }) => fetchers)
  )

  const isHealthy = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const report = health({ now, boundMillis, startedAt: phase.startedAt, fetchers: yield* fetchers })
    return HttpServerResponse.unsafeJson(report, { status: report.status === "healthy" ? 200 : 503 })
  })

  const isReady = Effect.suspend(() => {
    if (phase.isEnding) return Effect.succeed(notReady("the process ends"))
    if (phase.pool === undefined) return Effect.succeed(notReady("the process starts"))
    return Effect.match(phase.pool.ready(), {
      onFailure: ({ message }) => notReady(message),
      // It may have been told to end meanwhile.
      onSuccess: (node) =>
        phase.isEnding ? notReady("the process ends") : HttpServerResponse.unsafeJson({ ready: true, node })
    })
  })

  const figures = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    // Several workers and funnels may have a queue: the one that waits longest is told of.
    const ages = new Map<string, number>()
    for (const { age, queue } of fetched((yield* fetchers) ?? [], now)) {
      if (age !== undefined) ages.set(queue, Math.max(age, ages.get(queue) ?? 0))
    }
    const age: Prometheus.Family = {
      name: "disco_last_fetch_age_seconds",
      type: "gauge",
      help: "How long ago a node last answered a fetch, by queue",
      samples: Array.from(ages, ([queue, age]) => [{ messaging_destination_name: queue }, age / 1000] as const)
    }
    const text = Prometheus.text([age, ...(yield* metrics.families)])
    return HttpServerResponse.text(text, { contentType: Prometheus.contentType })
  })

  return HttpRouter.empty.pipe(
    HttpRouter.get("/health", isHealthy),
    HttpRouter.get("/ready", isReady),
    HttpRouter.get("/metrics", figures)
  )
}
