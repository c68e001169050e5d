import { DisquePool, JobQueue } from "@disco/core"
import { VirtualTime } from "@disco/embedded"
import { Worker } from "@disco/funnel"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { JobAnswer } from "../src/api/jobs.js"
import { DeadLetters, WorkersAnswer } from "../src/api/workers.js"
import { cluster, open } from "./utils/client.js"

const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String, at: Schema.Date }) })

const show = (id: string) => `/api/job?id=${encodeURIComponent(id)}`

describe("a job", () => {
  it.scoped("has a timeline, copies, counters apart, and a payload that its Schema reads", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const client = yield* open({ queues: [emails] })
      const id = yield* VirtualTime.run(
        pool.addJob("emails", '{"to":"ada","at":"2026-01-01T00:00:00.000Z"}', {
          delay: "1 minute",
          retry: "30 seconds"
        })
      )
      const kinds = (job: JobAnswer["job"]) =>
        (job?.timeline ?? []).map(({ isPast, kind }) => `${kind}${isPast ? "" : "?"}`)
      const { job } = yield* client.get(JobAnswer, show(id))
      assert.deepStrictEqual(kinds(job), ["created", "delay?", "expiry?"])
      assert.strictEqual(job?.copies.length, 3)
      assert.deepStrictEqual(job?.decoded, {
        isValid: true,
        json: '{\n  "to": "ada",\n  "at": "2026-01-01T00:00:00.000Z"\n}'
      })
      yield* VirtualTime.run(
        Effect.gen(function* () {
          yield* pool.nackJob(yield* pool.getJob("emails"))
          yield* pool.getJob("emails")
          yield* Effect.sleep("2 seconds")
        })
      )
      const later = (yield* client.get(JobAnswer, show(id))).job
      assert.deepInclude(later, { nacks: 1, additionalDeliveries: 0, state: "active" })
      assert.include(kinds(later), "delivered")
      assert.include(kinds(later), "requeue?")
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("is put back, acknowledged and deleted, and a job that nobody knows is told of", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const client = yield* open()
      const id = yield* VirtualTime.run(Effect.tap(pool.addJob("emails", "hello"), () => pool.getJob("emails")))
      const change = (change: string, ids: ReadonlyArray<string> = [id]) =>
        Effect.map(client.post("/api/jobs", { change, ids }), ({ json }) => json.jobs?.[0]?.outcome ?? json.message)
      assert.strictEqual(yield* change("enqueue"), "done")
      assert.strictEqual(yield* VirtualTime.run(pool.queueLength("emails")), 1)
      assert.strictEqual(yield* change("nack"), "unchanged")
      assert.strictEqual(yield* change("acknowledge"), "done")
      assert.strictEqual(yield* VirtualTime.run(pool.queueLength("emails")), 0)
      const other = yield* VirtualTime.run(pool.addJob("emails", "again"))
      assert.strictEqual(yield* change("delete", [other]), "done")
      assert.isNull((yield* client.get(JobAnswer, show(other))).job)
      assert.strictEqual(yield* change("delete", [other]), "unknown")
      assert.match(yield* change("delete", ["nonsense"]), /"nonsense" is no id of a job/)
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("is shown with whatever name and body it has, as text or base64, and cut", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const client = yield* open()
      const name = "<script>alert(1)</script>\u0007\u202e/../%2f"
      const id = yield* VirtualTime.run(pool.addJob(name, new Uint8Array([0xff, 0xfe, 0])))
      const { job } = yield* client.get(JobAnswer, show(id))
      assert.strictEqual(job?.queue, name)
      assert.deepStrictEqual(job?.body, { bytes: 3, encoding: "base64", content: "//4A", isCut: false })
      const head = yield* client.send(`/api/queue/head?name=${encodeURIComponent(name)}`)
      assert.strictEqual(head.json.jobs.length, 1)
      const long = yield* VirtualTime.run(pool.addJob("long", "ä".repeat(600_000)))
      const { body } = (yield* client.get(JobAnswer, show(long))).job ?? {}
      assert.deepInclude(body, { bytes: 1_200_000, encoding: "text", isCut: true })
      assert.strictEqual(body?.content?.length, 524_288)
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("shows nothing of its payload where payloads are hidden, and what a function leaves of it", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const id = yield* VirtualTime.run(pool.addJob("emails", '{"to":"ada","at":"2026-01-01T00:00:00.000Z"}'))
      const hidden = yield* open({ hidePayloads: true, queues: [emails] })
      const { text } = yield* hidden.send(show(id))
      assert.notInclude(text, "ada")
      assert.notInclude((yield* hidden.send("/api/queue/head?name=emails")).text, "ada")
      assert.notInclude((yield* hidden.send("/api/queue/jobs?name=emails")).text, "ada")
      const redacted = yield* open({ redact: ({ queue }) => `a job of ${queue}`, queues: [emails] })
      const { job } = yield* redacted.get(JobAnswer, show(id))
      assert.strictEqual(job?.body?.content, "a job of emails")
      assert.isNull(job?.decoded)
      const broken = yield* open({
        redact: () => {
          throw new Error("ada")
        }
      })
      assert.notInclude((yield* broken.send(show(id))).text, "ada")
    }).pipe(Effect.provide(cluster()))
  )
})

describe("workers and dead letters", () => {
  it.scoped("shows the workers of this process, and redrives and purges what they gave up", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const client = yield* open()
      const queue = JobQueue.make("dashboard-films", { payload: Schema.String })
      const add = (film: string) => VirtualTime.run(pool.addJob(queue.name, JSON.stringify(film)))
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* Worker.make(queue, (film) => Effect.fail(`no ${film}`), { attempts: 1, concurrency: 3 })
          for (const film of ["alien", "brazil", "casablanca"]) yield* add(film)
          yield* VirtualTime.run(Effect.sleep("12 seconds"))
          const { dead, workers } = yield* client.get(WorkersAnswer, "/api/workers")
          const own = workers.filter((worker) => worker.queue === queue.name)
          assert.containSubset(own, [{ isHere: true, isStale: false, concurrency: 3, dead: 3, failed: 3, busy: 0 }])
          assert.containSubset(dead, [{ queue: queue.name, dead: `${queue.name}.dead`, letters: 3 }])
        })
      ).pipe(VirtualTime.run)
      const list = (more: string) => client.get(DeadLetters, `/api/dead?queue=${queue.name}${more}`)
      const { letters } = yield* list("")
      assert.strictEqual(letters.length, 3)
      assert.deepInclude(letters[0], { reason: "failed", attempts: 1, queue: queue.name })
      assert.strictEqual((yield* list("&search=BRAZIL")).letters.length, 1)
      assert.strictEqual((yield* list("&reason=crashed")).letters.length, 0)
      const one = yield* client.post("/api/dead/redrive", { queue: queue.name, ids: [letters[0]?.id] })
      assert.deepStrictEqual(one.json, { count: 1, mayHaveMore: false })
      assert.strictEqual(yield* VirtualTime.run(pool.queueLength(queue.name)), 1)
      const all = yield* client.post("/api/dead/purge", { queue: queue.name, all: true, reason: "failed" })
      assert.deepStrictEqual(all.json, { count: 2, mayHaveMore: false })
      assert.strictEqual((yield* list("")).letters.length, 0)
    }).pipe(Effect.provide(cluster()))
  )

  it.scoped("shows workers that report, marks those as stale that do not any more, and leaves their queue out", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const client = yield* open()
      const report = {
        id: "elsewhere",
        program: "emails on web-3",
        queue: "emails",
        at: 5000,
        startedAt: 0,
        every: 5000,
        isPaused: false,
        concurrency: 8,
        busy: 2,
        succeeded: 10,
        failed: 1,
        dead: 0,
        leasesLost: 0
      }
      const tell = (change: object) =>
        VirtualTime.run(
          pool.addJob("disco.workers", JSON.stringify({ ...report, ...change }), {
            ttl: "15 seconds",
            retry: 0,
            replicate: 1
          })
        )
      const row = Effect.map(client.get(WorkersAnswer, "/api/workers"), ({ workers }) =>
        workers.find(({ id }) => id === "elsewhere")
      )
      yield* tell({})
      yield* VirtualTime.run(pool.addJob("disco.workers", "nonsense", { ttl: "15 seconds", retry: 0, replicate: 1 }))
      assert.deepInclude(yield* row, { busy: 2, isHere: false, isStale: false, rate: null })
      yield* VirtualTime.run(Effect.sleep("5 seconds"))
      yield* tell({ at: 10_000, succeeded: 60 })
      assert.deepInclude(yield* row, { succeeded: 60, rate: 10, isStale: false })
      yield* VirtualTime.run(Effect.sleep("20 seconds"))
      assert.deepInclude(yield* row, { isStale: true })
      assert.notInclude((yield* client.send("/api/queues")).text, "disco.workers")
      yield* VirtualTime.run(Effect.sleep("6 minutes"))
      assert.isUndefined(yield* row)
    }).pipe(Effect.provide(cluster()))
  )
})
