import { readFileSync } from "node:fs"
import { DisquePool } from "@disco/core"
import { VirtualTime } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { cluster, open } from "./utils/client.js"

describe("/metrics", () => {
  it.scoped("has the figures of queues and nodes in the format of Prometheus, whatever the names are", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const add = (queue: string) => VirtualTime.run(pool.addJob(queue, "x"))
      yield* add("emails")
      yield* add("emails.dead")
      yield* add('a"b\\c\nd')
      const client = yield* open()
      const { headers, status, text } = yield* client.send("/metrics")
      assert.strictEqual(status, 200)
      assert.match(headers["content-type"] ?? "", /^text\/plain; version=0\.0\.4/)
      const lines = text.trimEnd().split("\n")
      for (const line of lines)
        assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="([^"\\]|\\.)*",?)+\})? -?[\d.e+-]+)$/)
      assert.include(lines, 'disque_queue_length{queue="emails"} 1')
      assert.include(lines, 'disque_queue_length{queue="a\\"b\\\\c\\nd"} 1')
      assert.include(lines, 'disque_dead_letters{queue="emails"} 1')
      assert.include(lines, "disque_queues 3")
      assert.include(lines, 'disque_node_up{node="127.0.0.1:7711"} 1')
      assert.isTrue(lines.some((line) => line.startsWith('disque_node_memory_bytes{node="127.0.0.1:7713"} ')))
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("has series for 500 queues at most, those with the most jobs, and says how many have none", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const jobs = Array.from({ length: 600 }, (_, i) => ({ queue: `queue-${i}`, body: "x" }))
      yield* VirtualTime.run(pool.addJobs([...jobs, { queue: "queue-599", body: "y" }]))
      const client = yield* open()
      yield* client.send("/api/queues")
      yield* VirtualTime.run(Effect.sleep("70 seconds"))
      const { text } = yield* client.send("/metrics")
      assert.strictEqual(text.match(/^disque_queue_length\{/gm)?.length, 500)
      assert.include(text, 'disque_queue_length{queue="queue-599"} 2')
      assert.include(text, "disque_queues_without_series 100")
    }).pipe(Effect.provide(cluster(1)))
  )
})

describe("the dashboard for Grafana", () => {
  it.scoped("asks for figures that /metrics has", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* VirtualTime.run(Effect.zipRight(pool.addJob("emails", "x"), pool.addJob("emails.dead", "x")))
      const client = yield* open()
      yield* VirtualTime.run(Stream.runDrain(Stream.interruptAfter(client.events("/api/events/queues"), "5 seconds")))
      const { text } = yield* client.send("/metrics")
      const file = readFileSync(new URL("../../../contrib/grafana/disque.json", import.meta.url), "utf8")
      const { panels } = JSON.parse(file) as { panels: ReadonlyArray<{ targets?: ReadonlyArray<{ expr: string }> }> }
      const names = new Set(
        panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => expr.match(/disque_\w+/g) ?? []))
      )
      for (const name of names) assert.match(text, new RegExp(`^# TYPE ${name} `, "m"))
      assert.isAtLeast(names.size, 15)
    }).pipe(Effect.provide(cluster()))
  )
})
