/** A cluster with jobs, the same each time: what the documentation shows. */
import { DisquePool, type JobId } from "@disco/core"
import { VirtualTime } from "@disco/embedded"
import { Effect, TestClock } from "effect"

const day = "2026-01-02T"

const letter = (id: string, to: string, at: string) =>
  JSON.stringify({
    queue: "emails",
    id,
    reason: "failed",
    error: "no route to host",
    attempts: 5,
    nacks: 0,
    additionalDeliveries: 0,
    addedAt: `${day}08:00:00.000Z`,
    firstAt: `${day}08:00:01.000Z`,
    lastAt: `${day}${at}.000Z`,
    retry: 300,
    ttl: 604_800,
    body: JSON.stringify({ to })
  })

/** Adds jobs over four minutes, from nine o'clock on, and gives the id of one. */
export const prepare: Effect.Effect<JobId.JobId, unknown, DisquePool> = Effect.gen(function* () {
  const pool = yield* DisquePool
  yield* TestClock.setTime(Date.parse(`${day}09:00:00.000Z`))
  yield* pool.addJob("emails.dead", letter("D-dcb833cf-8YL1NT17e9+wsA/09NqxscQI-05a1", "nobody", "08:20:00"))
  yield* pool.addJob("emails.dead", letter("D-dcb833cf-EN8nR5VYQ3b6OuMy3xrNxYSx-05a1", "noone", "08:40:00"))
  yield* pool.addJob("reports", "weekly", { delay: "1 hour", ttl: "2 days" })
  const id = yield* pool.addJob("emails", '{"to":"ada"}', { retry: "5 minutes", ttl: "1 day" })
  yield* VirtualTime.run(Effect.sleep("200 seconds"))
  yield* pool.addJob("emails", '{"to":"grace"}', { retry: "5 minutes", ttl: "1 day" })
  yield* pool.addJob("orders", '{"item":7}')
  yield* pool.on("127.0.0.1:7712").pause("orders", "out")
  yield* VirtualTime.run(Effect.sleep("4500 millis"))
  return id
})
