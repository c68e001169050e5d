import { DisquePool, Job } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { cluster, disco } from "../utils/disco.js"
import { takeAll } from "../utils/jobs.js"
import { node } from "../utils/node.js"

const add = (body: string, options?: Parameters<DisquePool.Service["addJob"]>[2], queue = "q") =>
  Effect.flatMap(DisquePool, (pool) => pool.addJob(queue, body, { retry: "1 hour", ...options }))

const missing = "D-00000000-000000000000000000000000-05a1"

/** What the nodes know of a job, by their addresses. */
const states = (id: string) =>
  Effect.flatMap(DisquePool, (pool) =>
    Effect.map(
      Effect.flatMap(pool.hello, ({ nodes }) => Effect.forEach(nodes, ({ address }) => pool.on(address).show(id))),
      (infos) => infos.flatMap(Option.toArray).map(({ state }) => state)
    )
  )

describe("disco ack", () => {
  it.effect("acknowledges jobs on a node that has them, and says of each what happened", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const waiting = yield* add("waiting")
      const alone = yield* pool.on("127.0.0.1:7713").addJob("q", "alone", { replicate: 1 })
      const { status, stderr, stdout } = yield* disco(["ack", waiting, alone, missing, "--yes"])
      assert.deepStrictEqual({ status, stderr }, { status: 1, stderr: "" })
      const lines = stdout.split("\n")
      assert.match(
        lines[0] ?? "",
        new RegExp(`^${waiting.replaceAll("+", "\\+")} {2}acknowledged on 127.0.0.1:771\\d$`)
      )
      assert.strictEqual(lines[1], `${alone}  acknowledged on 127.0.0.1:7713`)
      assert.strictEqual(lines[2], `${missing}  is not known to any node`)
      assert.strictEqual(lines[3], "2 of 3 jobs")
      assert.strictEqual(yield* pool.queueLength("q"), 0)
    }).pipe(Effect.provide(cluster))
  )

  it.effect("asks first, and changes nothing without a yes", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const id = yield* add("body")
      const refused = yield* disco(["ack", id])
      assert.strictEqual(refused.status, 2)
      assert.include(refused.stderr, "this acknowledges, and so deletes, 1 job: give --yes, since there is no terminal")
      const no = yield* disco(["ack", id], { columns: 80, input: ["n"], isTyped: true })
      assert.strictEqual(no.status, 1)
      assert.include(no.stderr, "this acknowledges, and so deletes, 1 job. Go on? [y/N] ")
      assert.include(no.stderr, "disco: nothing was changed\n")
      assert.strictEqual(yield* pool.queueLength("q"), 1)
      const yes = yield* disco(["ack", id], { columns: 80, input: ["y"], isTyped: true })
      assert.strictEqual(yes.status, 0)
      assert.strictEqual(yield* pool.queueLength("q"), 0)
    }).pipe(Effect.provide(cluster))
  )

  it.effect("reads ids from standard input, and names the lines that are no ids", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const first = yield* add("1")
      const second = yield* add("2")
      const { status, stderr, stdout } = yield* disco(["ack", "--yes", "-"], {
        input: [first, "", "nonsense", `  ${second}`]
      })
      assert.strictEqual(status, 1)
      assert.strictEqual(stderr, 'disco: line 3 is "nonsense", expected the id of a job\n')
      assert.include(stdout, "2 of 3 jobs\n")
      assert.strictEqual(yield* pool.queueLength("q"), 0)
    }).pipe(Effect.provide(cluster))
  )

  it.effect("refuses the whole command line for one word that is no id", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const id = yield* add("body")
      const { status, stderr } = yield* disco(["ack", "--yes", id, "D-1"])
      assert.strictEqual(status, 2)
      assert.include(stderr, 'ID is "D-1", expected the id of a job, 40 characters that begin with D-')
      assert.strictEqual(yield* pool.queueLength("q"), 1)
    }).pipe(Effect.provide(cluster))
  )
})

describe("disco nack and disco enqueue", () => {
  it.effect("put back what was delivered, from any node, and leave alone what waits or cannot go back", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const taken = yield* add("taken")
      const other = yield* add("other")
      assert.strictEqual((yield* takeAll("q")).length, 2)
      const waiting = yield* add("waiting")
      const once = yield* pool.addJob("once", "once", { retry: 0, replicate: 1 })
      yield* pool.getJob("once")
      const nacked = yield* disco(["nack", taken, waiting, once])
      assert.strictEqual(nacked.status, 1)
      assert.match(
        nacked.stdout,
        /queued on 127.*\n.*is in its queue already, on 127.*\n.*is delivered once only \(RETRY 0\), and was\n1 of 3 jobs\n/
      )
      assert.strictEqual((yield* disco(["enqueue", other])).status, 0)
      const jobs = yield* takeAll("q")
      assert.deepStrictEqual(jobs.map((job) => [Job.text(job), job.nacks, job.additionalDeliveries]).sort(), [
        ["other", 0, 1],
        ["taken", 1, 0],
        ["waiting", 0, 0]
      ])
    }).pipe(Effect.provide(cluster))
  )

  it.effect("queue a delayed job at once", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const id = yield* add("later", { delay: "1 hour" })
      assert.strictEqual((yield* disco(["enqueue", id])).status, 0)
      assert.strictEqual(yield* pool.queueLength("q"), 1)
    }).pipe(Effect.provide(cluster))
  )
})

describe("disco dequeue", () => {
  it.effect("takes jobs out of their queue, and they come again after their retry time", () =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const id = yield* add("body", { retry: "1 minute" })
      const { status, stdout } = yield* disco(["dequeue", id, "--yes"])
      assert.strictEqual(status, 0)
      assert.match(stdout, /taken out of its queue on 127/)
      assert.strictEqual(yield* pool.queueLength("q"), 0)
      assert.notDeepEqual(yield* states(id), [])
      const again = yield* disco(["dequeue", id, "--yes"])
      assert.deepStrictEqual([again.status, again.stdout], [1, `${id}  is not in its queue\n`])
    }).pipe(Effect.provide(cluster))
  )
})

describe("disco delete", () => {
  it.effect("deletes every copy, and asks the nodes afterwards", () =>
    Effect.gen(function* () {
      const id = yield* add("body")
      assert.strictEqual((yield* states(id)).length, 3)
      const { status, stdout } = yield* disco(["delete", id, "--yes", "--json"])
      assert.strictEqual(status, 0)
      const { nodes, outcome } = JSON.parse(stdout)
      assert.deepStrictEqual([outcome, nodes.length], ["done", 3])
      assert.deepStrictEqual(yield* states(id), [])
    }).pipe(Effect.provide(cluster))
  )

  it.effect("fails where a node does not answer that may have a copy, and says which", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      const id = yield* add("body")
      yield* disque.kill(node(disque, 2))
      const { status, stdout } = yield* disco(["delete", id, "--yes"])
      assert.strictEqual(status, 1)
      assert.include(stdout, "127.0.0.1:7713 may have a copy, and did not answer")
    }).pipe(Effect.provide(cluster))
  )
})
