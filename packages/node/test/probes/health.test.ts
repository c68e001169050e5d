import type { FetcherHealth } from "@disco/core"
import { assert, it } from "@effect/vitest"
import { health } from "../../src/probes/health.js"

const now = 1_000_000

const fetcher = (given: Partial<FetcherHealth>): FetcherHealth => ({
  node: "127.0.0.1:7711",
  queues: ["emails"],
  state: "fetching",
  lastRound: now - 500,
  error: undefined,
  ...given
})

const statusOf = (fetchers: ReadonlyArray<FetcherHealth> | undefined, startedAt = 0) =>
  health({ now, startedAt, fetchers, boundMillis: 60_000 }).status

it("one node that answers is enough for a queue, and every queue needs one", () => {
  const silent = fetcher({ lastRound: now - 60_001, state: "resting" })
  assert.strictEqual(statusOf([silent, fetcher({ node: "127.0.0.1:7712" })]), "healthy")
  assert.strictEqual(statusOf([silent, fetcher({ queues: ["films"] })]), "unhealthy")
})

it("the age is that of the queue that has waited longest", () => {
  const fetchers = [fetcher({}), fetcher({ queues: ["films"], lastRound: now - 2000 })]
  assert.strictEqual(health({ now, startedAt: 0, fetchers, boundMillis: 60_000 }).lastFetchSeconds, 2)
})

it("workers that have as many jobs as they take are healthy, however long they take", () => {
  assert.strictEqual(statusOf([fetcher({ state: "full", lastRound: now - 3_600_000 })]), "healthy")
})

it("a start has as long as a fetch", () => {
  assert.strictEqual(statusOf(undefined, now - 60_000), "healthy")
  assert.strictEqual(statusOf(undefined, now - 60_001), "unhealthy")
  assert.strictEqual(statusOf([fetcher({ lastRound: undefined })], now - 60_000), "healthy")
  assert.strictEqual(statusOf([fetcher({ lastRound: undefined })], now - 60_001), "unhealthy")
})

it("workers that are paused fetch nothing, and are healthy", () => {
  assert.strictEqual(statusOf([], 0), "healthy")
})
