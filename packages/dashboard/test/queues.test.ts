import { DisquePool } from "@disco/core"
import { EmbeddedDisque, type EmbeddedNode, VirtualTime } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Head, JobsPage } from "../src/api/jobs.js"
import { History, JobCounts, QueueAnswer, QueuesPage } from "../src/api/queues.js"
import { Status } from "../src/api/status.js"
import { cluster, open } from "./utils/client.js"

const sleep = (time: string) => VirtualTime.run(Effect.sleep(time as "1 second"))

const addAll = (queue: string, count: number) =>
  Effect.flatMap(DisquePool, (pool) =>
    VirtualTime.run(pool.addJobs(Array.from({ length: count }, (_, i) => ({ queue, body: `${queue} ${i}` }))))
  )

describe("the list of queues", () => {
  it.scoped("has the figures of all nodes together, those in trouble first", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* addAll("emails", 3)
      yield* VirtualTime.run(pool.on("127.0.0.1:7712").addJob("emails", "hello", { replicate: 1 }))
      yield* VirtualTime.run(Effect.zipRight(pool.addJob("quiet", "a"), pool.getJob("quiet")))
      const client = yield* open()
      yield* sleep("11 seconds")
      const page = yield* client.get(QueuesPage, "/api/queues")
      assert.deepStrictEqual(
        page.queues.map(({ badges, length, name }) => ({ badges, length, name })),
        [
          { name: "emails", length: 4, badges: ["no consumers"] },
          { name: "quiet", length: 0, badges: [] }
        ]
      )
      assert.strictEqual(page.matching, 2)
      assert.strictEqual(page.totals.length, 4)
      assert.strictEqual(page.totals.badges["no consumers"], 1)
      assert.isTrue(page.isComplete)
      const [emails] = page.queues
      assert.isAtLeast(emails?.oldestMillis ?? 0, 8000)
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("is searched by a part of the name, a pattern, a group and a badge, and is given in parts", () =>
    Effect.gen(function* () {
      yield* addAll("mail:welcome", 1)
      yield* addAll("mail:invoice", 2)
      yield* addAll("images", 3)
      const client = yield* open()
      const names = (query: string) =>
        Effect.map(client.get(QueuesPage, `/api/queues?${query}`), ({ queues }) => queues.map(({ name }) => name))
      assert.deepStrictEqual(yield* names("search=INV"), ["mail:invoice"])
      assert.deepStrictEqual(yield* names("search=mail:*&order=name"), ["mail:invoice", "mail:welcome"])
      assert.deepStrictEqual(yield* names("prefix=mail:&order=length"), ["mail:invoice", "mail:welcome"])
      assert.deepStrictEqual(yield* names("order=length&limit=1"), ["images"])
      assert.deepStrictEqual(yield* names("order=length&limit=1&offset=1"), ["mail:invoice"])
      assert.deepStrictEqual(yield* names("order=length&direction=up&limit=1"), ["mail:welcome"])
      assert.deepStrictEqual(yield* names("badge=paused"), [])
      const { groups } = yield* client.get(QueuesPage, "/api/queues")
      assert.deepStrictEqual(
        groups.map(({ length, prefix, queues }) => ({ length, prefix, queues })),
        [{ prefix: "mail:", queues: 2, length: 3 }]
      )
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("refuses parameters that do not fit, and names them", () =>
    Effect.gen(function* () {
      const client = yield* open()
      for (const query of ["limit=0", "limit=many", "badge=bad", "order=up"]) {
        const { json, status } = yield* client.send(`/api/queues?${query}`)
        assert.strictEqual(status, 400, query)
        assert.include(json.message, query.split("=")[0], query)
      }
    }).pipe(Effect.provide(cluster()))
  )
})

describe("a queue", () => {
  it.scoped("has figures for each node, and its rates", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const client = yield* open()
      yield* client.get(QueuesPage, "/api/queues")
      yield* addAll("emails", 100)
      const [, , update] = yield* client.first("/api/events/queue?name=emails", 3)
      assert.strictEqual(update?.event, "update")
      const { queue } = yield* client.get(QueueAnswer, "/api/queue?name=emails")
      assert.strictEqual(queue?.length, 100)
      assert.strictEqual(queue?.nodes.length, 1)
      assert.strictEqual(queue?.jobsIn, "100")
      assert.isFalse(queue?.isTyped)
      assert.isNull((yield* client.get(QueueAnswer, "/api/queue?name=nothing")).queue)
      assert.isDefined(pool)
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("remembers what was measured", () =>
    Effect.gen(function* () {
      const client = yield* open()
      yield* addAll("emails", 5)
      yield* sleep("2 minutes")
      yield* addAll("emails", 5)
      yield* sleep("1 minute")
      const { at, length, startedAt } = yield* client.get(History, "/api/queue/history?name=emails")
      assert.strictEqual(length.length, at.length)
      assert.isTrue(at.every((moment, i) => i === 0 || moment > (at[i - 1] ?? 0)))
      assert.isTrue(at.every((moment) => moment >= startedAt - 30_000))
      assert.include(length, 5)
      assert.strictEqual(
        length.findLast((value) => value !== null),
        10
      )
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("shows its head and its jobs by their state, and takes none", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* addAll("emails", 3)
      yield* VirtualTime.run(pool.getJob("emails"))
      const client = yield* open()
      const head = yield* client.get(Head, "/api/queue/head?name=emails&count=1")
      assert.strictEqual(head.jobs.length, 1)
      const { content, ...body } = head.jobs[0]?.body ?? {}
      assert.match(content ?? "", /^emails [0-2]$/)
      assert.deepStrictEqual(body, { bytes: 8, encoding: "text", isCut: false })
      const { isComplete, states } = yield* client.get(JobCounts, "/api/queue/counts?name=emails")
      assert.deepStrictEqual(states, { "wait-repl": 0, queued: 2, active: 1, acked: 0 })
      assert.isTrue(isComplete)
      const { jobs } = yield* client.get(JobsPage, "/api/queue/jobs?name=emails&state=active")
      assert.deepStrictEqual(
        jobs.map(({ copies, state }) => ({ copies, state })),
        [{ copies: 3, state: "active" }]
      )
      assert.strictEqual(yield* VirtualTime.run(pool.queueLength("emails")), 2)
    }).pipe(Effect.provide(cluster()))
  )
})

describe("pausing", () => {
  it.scoped("pauses a queue on every node, and says what each node says afterwards", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      yield* addAll("emails", 1)
      const client = yield* open()
      const { json, status } = yield* client.post("/api/queue/pause", { name: "emails", pause: "out" })
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(
        json.changes,
        [7711, 7712, 7713].map((port) => ({ node: `127.0.0.1:${port}`, before: "none", after: "out" }))
      )
      for (const port of [7711, 7712, 7713]) {
        assert.strictEqual(yield* VirtualTime.run(pool.on(`127.0.0.1:${port}`).pause("emails", "state")), "out")
      }
      const [, update] = yield* client.first("/api/events/queues", 2)
      assert.strictEqual(update?.event, "update")
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("tells on which nodes it was not done", () =>
    Effect.gen(function* () {
      const embedded = yield* EmbeddedDisque
      yield* addAll("emails", 1)
      const client = yield* open()
      yield* client.get(Status, "/api/status")
      yield* embedded.kill(embedded.nodes[2] as EmbeddedNode)
      const { json, status } = yield* client.post("/api/queue/pause", { name: "emails", pause: "in" })
      assert.strictEqual(status, 502)
      assert.strictEqual(json._tag, "NotOnEveryNode")
      assert.deepStrictEqual(json.done, ["127.0.0.1:7711", "127.0.0.1:7712"])
      assert.deepStrictEqual(
        json.failures.map(({ node }: { node: string }) => node),
        ["127.0.0.1:7713"]
      )
    }).pipe(Effect.provide(cluster()))
  )
})
