import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Option, Queue, Stream } from "effect"
import { DisqueConnection, DisquePool, type JobId, Reply } from "../src/index.js"
import { type Answer, bulk, fakeNodes, idOf } from "./utils/fakeNodes.js"

const [first, second, third] = ["127.0.0.1:7711", "127.0.0.1:7712", "127.0.0.1:7713"] as const
const addresses = [first, second, third]

const poolOver = (answer: Answer, leaving: ReadonlyArray<string> = []) => {
  const { layer, sent } = fakeNodes(addresses, answer, leaving)
  return Effect.map(Effect.provide(DisquePool.make(), layer), (pool) => ({ pool, sent }))
}

const connectionOver = (answer: Answer) => {
  const { layer, sent } = fakeNodes(addresses, answer)
  return Effect.map(Effect.provide(DisqueConnection.make(), layer), (disque) => ({ disque, sent }))
}

const stats = (fields: Record<string, Reply.Reply>): Reply.Reply =>
  Object.entries({
    name: bulk("q"),
    len: 1,
    age: 10,
    idle: 5,
    blocked: 0,
    "import-from": [],
    "import-rate": 0,
    "jobs-in": 3,
    "jobs-out": 2,
    pause: bulk("none"),
    ...fields
  }).flatMap(([name, value]) => [bulk(name), value])

const idOn = (address: string, n = 0) =>
  `D-${idOf(address).slice(0, 8)}-${String(n).padStart(24, "0")}-05a1` as JobId.JobId

const shown = (id: string, fields: Record<string, Reply.Reply> = {}): Reply.Reply =>
  Object.entries({
    id: bulk(id),
    queue: bulk("q"),
    state: bulk("queued"),
    repl: 1,
    ttl: 1,
    ctime: 2n ** 60n,
    delay: 0,
    retry: 1,
    nacks: 0,
    "additional-deliveries": 0,
    "nodes-delivered": [],
    "nodes-confirmed": [],
    "next-requeue-within": null,
    "next-awake-within": null,
    body: bulk("body"),
    "since-later": 7,
    ...fields
  }).flatMap(([name, value]) => [bulk(name), value])

describe.concurrent("a pool", () => {
  it.scoped("adds up the lengths of a queue on all nodes", () =>
    Effect.gen(function* () {
      const { pool, sent } = yield* poolOver((node) => addresses.indexOf(node as never) + 1)
      assert.strictEqual(yield* pool.queueLength("q"), 6)
      assert.sameMembers(
        sent.map(({ node }) => node),
        addresses
      )
    })
  )

  it.scoped("fails if a node does not answer: half of a length would look like a whole one", () =>
    Effect.gen(function* () {
      const { pool } = yield* poolOver((node, [command]) =>
        node === second ? undefined : command === "QLEN" ? 1 : command === "QPEEK" ? [] : null
      )
      const error = yield* Effect.flip(pool.queueLength("q"))
      assert.deepInclude(error, { _tag: "ConnectionError", node: second })
      assert.strictEqual((yield* Effect.flip(pool.queueStats("q")))._tag, "ConnectionError")
      assert.strictEqual((yield* Effect.flip(pool.oldestAge("q")))._tag, "ConnectionError")
    })
  )

  it.scoped("asks no node that is leaving, or only the node in use if all nodes are leaving", () =>
    Effect.gen(function* () {
      const one = yield* poolOver(() => 1, [second])
      assert.strictEqual(yield* one.pool.queueLength("q"), 2)
      assert.notInclude(
        one.sent.map(({ node }) => node),
        second
      )
      const all = yield* poolOver((_, [command]) => (command === "QLEN" ? 1 : [bulk("0"), [bulk("q")]]), addresses)
      assert.strictEqual(yield* all.pool.queueLength("q"), 1)
      assert.deepStrictEqual([...(yield* Stream.runCollect(all.pool.queues()))], ["q"])
    })
  )

  it.scoped("takes the statistics of a queue together, and shows each node's own", () =>
    Effect.gen(function* () {
      const { pool } = yield* poolOver((node) => {
        if (node === first) return stats({ "jobs-in": 2n ** 60n, pause: bulk("in"), "since-later": 7 })
        return node === second ? stats({ len: 4, age: 20, idle: 1, blocked: 2, pause: bulk("out") }) : null
      })
      const merged = Option.getOrThrow(yield* pool.queueStats("q"))
      assert.deepInclude(merged, {
        name: "q",
        length: 5,
        age: Duration.seconds(20),
        idle: Duration.seconds(1),
        blocked: 2,
        jobsIn: 2n ** 60n + 3n,
        jobsOut: 4n,
        pause: "all"
      })
      assert.sameMembers(
        merged.nodes.map(({ length, node }) => `${node} ${length}`),
        [`${first} 1`, `${second} 4`]
      )
      assert.strictEqual(merged.nodes.find(({ node }) => node === first)?.fields.get("since-later"), 7)
    })
  )

  it.scoped("has no statistics of a queue that no node knows", () =>
    Effect.gen(function* () {
      const { pool } = yield* poolOver(() => null)
      assert.deepStrictEqual(yield* pool.queueStats("q"), Option.none())
    })
  )

  it.scoped("tells the age of the oldest job on all nodes, each by the clock of its node, and none below zero", () =>
    Effect.gen(function* () {
      // In seconds: what each node has for its time of day, and when its job was added.
      const nodes: Record<string, readonly [now: number, added: number | undefined]> = {
        [first]: [1000, 970],
        [second]: [5000, 4960],
        [third]: [9000, undefined]
      }
      const { pool } = yield* poolOver((node, [command]) => {
        const [now = 0, added] = nodes[node] ?? []
        if (command === "TIME") return [bulk(String(now)), bulk("250000")]
        if (command === "QPEEK") return added === undefined ? [] : [[bulk("q"), bulk(idOn(node)), bulk("x")]]
        return shown(idOn(node), { ctime: BigInt(added ?? 0) * 10n ** 9n + 7n })
      })
      assert.deepStrictEqual(yield* pool.oldestAge("q"), Option.some(Duration.millis(40_250)))
      assert.deepStrictEqual(yield* pool.on(first).oldestAge("q"), Option.some(Duration.millis(30_250)))
      assert.deepStrictEqual(yield* pool.on(third).oldestAge("q"), Option.none())
      nodes[first] = [1000, 1600]
      assert.deepStrictEqual(yield* pool.on(first).oldestAge("q"), Option.some(Duration.zero))
    })
  )

  it.scoped("looks at later jobs if the oldest is gone before it is shown, and only a few times", () =>
    Effect.gen(function* () {
      const gone = new Set<string>()
      const ids = Array.from({ length: 100 }, (_, i) => idOn(first, i))
      const { disque, sent } = yield* connectionOver((_, [command, id = "", count]) => {
        if (command === "TIME") return [bulk("1000"), bulk("0")]
        if (command === "QPEEK") return ids.slice(0, Number(count)).map((id) => [bulk("q"), bulk(id), bulk("x")])
        if (gone.has(id)) return null
        return shown(id, { ctime: BigInt(900 + ids.indexOf(id as never)) * 10n ** 9n })
      })
      const asked = (command: string) => sent.splice(0).filter(({ words }) => words[0] === command).length
      assert.deepStrictEqual(yield* disque.oldestAge("q"), Option.some(Duration.seconds(100)))
      assert.strictEqual(asked("QPEEK"), 1)
      for (const id of ids.slice(0, 3)) gone.add(id)
      assert.deepStrictEqual(yield* disque.oldestAge("q"), Option.some(Duration.seconds(97)))
      assert.strictEqual(asked("QPEEK"), 2)
      for (const id of ids) gone.add(id)
      assert.deepStrictEqual(yield* disque.oldestAge("q"), Option.none())
      assert.strictEqual(asked("QPEEK"), 3)
    })
  )

  it.scoped("asks the holder of a job, then the node that took it, then the others", () =>
    Effect.gen(function* () {
      const knowing = new Set<string>([first])
      const { pool, sent } = yield* poolOver((node, words) => (knowing.has(node) ? shown(words[1] ?? "") : null))
      const id = idOn(second)
      const asked = Effect.sync(() => sent.splice(0).map(({ node }) => node))

      const found = Option.getOrThrow(yield* pool.show({ id, node: first }))
      assert.deepStrictEqual(yield* asked, [first])
      assert.strictEqual(found.fields.get("since-later"), 7)

      assert.isTrue(Option.isSome(yield* pool.show({ id, node: third })))
      assert.deepStrictEqual((yield* asked).slice(0, 2), [third, second])

      knowing.add(second)
      assert.isTrue(Option.isSome(yield* pool.show(id)))
      assert.deepStrictEqual(yield* asked, [second])

      knowing.clear()
      assert.deepStrictEqual(yield* pool.show(id), Option.none())
      assert.sameMembers(yield* asked, addresses)
    })
  )

  it.scoped(
    "finds a job while a node that does not know the job is away, and fails if it could not look everywhere",
    () =>
      Effect.gen(function* () {
        let knowing: string | undefined = first
        const { pool } = yield* poolOver((node, words) => {
          if (node === second) return undefined
          return node === knowing ? shown(words[1] ?? "") : null
        })
        assert.isTrue(Option.isSome(yield* pool.show(idOn(second))))
        assert.isTrue(Option.isSome(yield* pool.show(idOn(third))))
        knowing = undefined
        assert.strictEqual((yield* Effect.flip(pool.show(idOn(second))))._tag, "ConnectionError")
        assert.strictEqual((yield* Effect.flip(pool.show(idOn(third))))._tag, "ConnectionError")
      })
  )

  it.scoped("goes through the queues of every node, and gives none twice", () =>
    Effect.gen(function* () {
      const pages: Record<string, ReadonlyArray<ReadonlyArray<string>>> = {
        [first]: [["a", "b"], [], ["b", "c"]],
        [second]: [[]],
        [third]: [["c"], ["d", "a"]]
      }
      const { pool, sent } = yield* poolOver((node, words) => {
        const at = Number(words[1])
        const all = pages[node] ?? []
        return [bulk(at + 1 < all.length ? String(at + 1) : "0"), (all[at] ?? []).map(bulk)]
      })
      const names = yield* Stream.runCollect(pool.queues({ minLen: 1 }))
      assert.deepStrictEqual([...names].sort(), ["a", "b", "c", "d"])
      assert.strictEqual(sent.length, 6)
      // Another run begins anew.
      assert.strictEqual((yield* Stream.runCollect(pool.queues())).length, 4)
    })
  )

  it.scoped("ends a scan that goes round in circles, whatever the length of the circle", () =>
    Effect.gen(function* () {
      for (const cursors of [
        { "0": "3", "3": "3" },
        { "0": "1", "1": "2", "2": "3", "3": "1" }
      ]) {
        const { pool } = yield* poolOver((_, words) => [
          bulk((cursors as Record<string, string>)[String(words[1])] ?? "0"),
          [bulk("other")]
        ])
        const error = yield* Effect.flip(Stream.runCollect(pool.queues()))
        assert.deepInclude(error, { _tag: "ProtocolError", command: "QSCAN" })
      }
    })
  )

  it.scoped("gives each job once, whichever nodes hold copies of it", () =>
    Effect.gen(function* () {
      const { pool } = yield* poolOver((node) => [bulk("0"), [idOn(first), idOn(node, 1)].map((id) => shown(id))])
      const jobs = yield* Stream.runCollect(pool.jobs())
      assert.deepStrictEqual(
        [...jobs].map(({ id }) => id).sort(),
        [idOn(first), ...addresses.map((node) => idOn(node, 1))].sort()
      )
    })
  )
})

describe.concurrent("a connection", () => {
  it.scoped("asks one node", () =>
    Effect.gen(function* () {
      const { disque, sent } = yield* connectionOver((_, [command]) => {
        if (command === "QLEN") return 2
        return command === "QSTAT" ? stats({}) : [bulk("0"), [bulk("a")]]
      })
      assert.strictEqual(yield* disque.queueLength("q"), 2)
      assert.strictEqual(Option.getOrThrow(yield* disque.queueStats("q")).nodes.length, 1)
      assert.deepStrictEqual([...(yield* Stream.runCollect(disque.queues()))], ["a"])
      assert.deepStrictEqual(new Set(sent.map(({ node }) => node)), new Set([first]))
    })
  )

  it.scoped("goes on over empty pages, even if 9 of 10 are empty, and asks for a page only when it is pulled", () =>
    Effect.gen(function* () {
      const { disque, sent } = yield* connectionOver((_, words) => {
        const at = Number(words[1])
        return [bulk(at < 100 ? String(at + 1) : "0"), at % 10 === 0 ? [idOn(first, at)] : []]
      })
      const pulled = yield* Queue.bounded<JobId.JobId>(1)
      const running = yield* Effect.fork(Stream.runForEach(disque.jobIds(), (id) => Queue.offer(pulled, id)))
      for (let i = 0; i < 200; i++) yield* Effect.yieldNow()
      // One is in the queue, one waits to be offered.
      assert.strictEqual(sent.length, 11)
      const ids = yield* Effect.replicateEffect(Queue.take(pulled), 11)
      yield* Fiber.join(running)
      assert.deepStrictEqual(
        ids,
        Array.from({ length: 11 }, (_, i) => idOn(first, i * 10))
      )
      assert.strictEqual(sent.length, 101)
    })
  )

  it.scoped("stops at the page with which its consumer has enough", () =>
    Effect.gen(function* () {
      const { disque, sent } = yield* connectionOver((_, words) => [
        bulk(String(Number(words[1]) + 1)),
        [bulk(`q${words[1]}`)]
      ])
      const names = yield* Stream.runCollect(Stream.take(disque.queues(), 3))
      assert.deepStrictEqual([...names], ["q0", "q1", "q2"])
      assert.strictEqual(sent.length, 3)
    })
  )

  it.scoped(
    "asks the same node for every page, and fails if that node is gone: a cursor means nothing to other nodes",
    () =>
      Effect.gen(function* () {
        const { disque } = yield* connectionOver((_, words) =>
          words[1] === "0" ? [bulk("1"), [bulk("a")]] : undefined
        )
        const got: Array<string> = []
        const error = yield* Effect.flip(
          Stream.runForEach(disque.queues(), (name) => Effect.sync(() => got.push(name)))
        )
        assert.deepInclude(error, { _tag: "ConnectionError", node: first })
        assert.deepStrictEqual(got, ["a"])
      })
  )

  it.scoped("takes the end of the link for the success of a shutdown, and a refusal for a failure", () =>
    Effect.gen(function* () {
      let reply: Reply.Reply | undefined = new Reply.ErrorReply({ text: "ERR Errors trying to SHUTDOWN. Check logs." })
      const { disque, sent } = yield* connectionOver(() => reply)
      assert.strictEqual((yield* Effect.flip(disque.server.shutdown()))._tag, "CommandRefused")
      reply = undefined
      yield* disque.server.shutdown({ rewriteAof: true })
      assert.deepStrictEqual(sent.at(-1)?.words, ["SHUTDOWN", "REWRITE-AOF"])
    })
  )
})
