import { DisquePool } from "@disco/core"
import { HttpRouter, HttpServer, HttpServerResponse } from "@effect/platform"
import { Clock, Effect } from "effect"

/** A loop that has had no answer for so long is stuck: it has one twice a second, with or without jobs. */
const longest = 60_000

const health = Effect.gen(function* () {
  const pool = yield* DisquePool
  const { fetchers } = yield* pool.health
  const now = yield* Clock.currentTimeMillis
  const ages = fetchers.map(({ lastRound, queues }) => ({ queues, age: now - (lastRound ?? 0) }))
  const isWell = ages.length > 0 && ages.some(({ age }) => age < longest)
  return HttpServerResponse.unsafeJson({ isWell, ages }, { status: isWell ? 200 : 503 })
})

const readiness = Effect.flatMap(DisquePool, (pool) =>
  Effect.match(pool.ready(), {
    onSuccess: (node) => HttpServerResponse.unsafeJson({ node }),
    onFailure: ({ message }) => HttpServerResponse.unsafeJson({ error: message }, { status: 503 })
  })
)

/** `/health`: whether jobs are fetched, for a liveness probe. `/ready`: whether a node takes commands, for a readiness probe. */
export const Health = HttpRouter.empty.pipe(
  HttpRouter.get("/health", health),
  HttpRouter.get("/ready", readiness),
  HttpServer.serve()
)
