import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Either, Exit, Option, Redacted } from "effect"
import { type Command, Commands, type InvalidArgument } from "../src/index.js"
import { definitions } from "./utils/definitions.js"
import { exchanges, toReply, wordsOf } from "./utils/recorded.js"

type Made<A, E> = Either.Either<Command.Command<A, E>, InvalidArgument>

const node = "127.0.0.1:7711"
const tested = new Set<object>()

const hex = (word: string | Uint8Array): string => Buffer.from(word as Uint8Array).toString("hex")

/** The exchanges of a command that send the words of `made`. */
const find = (path: string, made: Made<unknown, unknown>) => {
  const { wire } = Either.getOrThrow(made)
  const named = exchanges.filter(({ command }) => command === path)
  const found = named.filter((exchange) => {
    const words = wordsOf(exchange)
    return words.length === wire.length && words.every((word, i) => hex(word) === hex(wire[i] ?? ""))
  })
  assert.isNotEmpty(found, `no exchange of ${path} sends ${wire.join(" ")}`)
  for (const exchange of found) tested.add(exchange)
  return found
}

const outcomes = <A, E>(path: string, made: Made<A, E>, nth: number): ReadonlyArray<Exit.Exit<A, unknown>> => {
  const exchange = find(path, made)[nth]
  assert.isDefined(exchange)
  const { decode } = Either.getOrThrow(made)
  return [true, false].map((isOverSocket) => decode(toReply(exchange.reply, isOverSocket), node))
}

/** The command sends the words that were recorded, and reads the reply to them. */
const reads = <A, E>(path: string, made: Made<A, E>, expect: (result: A) => void, nth = 0): void => {
  for (const outcome of outcomes(path, made, nth))
    expect(Exit.getOrElse(outcome, (cause) => assert.fail(String(cause))))
}

const refuses = <A, E>(path: string, made: Made<A, E>, tag: string, nth = 0): void => {
  for (const outcome of outcomes(path, made, nth)) {
    assert.isTrue(Exit.isFailure(outcome))
    const error = Exit.isFailure(outcome) && outcome.cause._tag === "Fail" ? outcome.cause.error : undefined
    assert.deepInclude(error, { _tag: tag, node })
  }
}

const ids = {
  first: "D-afa64674-7Odk5Ok5edttbbDlpcZkZHVN-05a1",
  second: "D-afa64674-Jt4LS5qpKaFVlSogoO75ea+Q-003d",
  third: "D-afa64674-Dxeq6rooqLZqqnBfn8UAwK7b-05a0",
  unknown: "D-00000000-000000000000000000000000-05a1",
  acknowledged: "D-00000000-000000000000000000000001-05a1",
  shared: "D-88f238de-UDLf3xgaGpaFBYbtbSjmpl7z-05a1"
}
const bytes = Uint8Array.of(0, 255, 13, 10)
const text = (value: Uint8Array | null | undefined) => new TextDecoder().decode(value ?? Uint8Array.of())

describe.concurrent("a command sends what was recorded and reads what Disque replied:", () => {
  it("ADDJOB", () => {
    const { addJob } = Commands
    reads("addJob", addJob.make("emails", "hello"), (id) => assert.strictEqual(id, ids.first))
    const options = { timeout: 250, replicate: 1, retry: "1 minute", ttl: "1 hour", maxLen: 100, async: true } as const
    reads("addJob", addJob.make("emails", bytes, options), (id) => assert.strictEqual(id, ids.second))
    reads("addJob", addJob.make("reports", "later", { delay: "1 hour", retry: 0 }), (id) =>
      assert.strictEqual(id, ids.third)
    )
    refuses("addJob", addJob.make("emails", "x", { maxLen: 1 }), "QueueTooLong")
    refuses("addJob", addJob.make("emails", "x", { replicate: 9 }), "NotReplicated")
    refuses("addJob", addJob.make("emails", "x"), "QueuePaused")
  })

  it("GETJOB", () => {
    const { getJobs } = Commands
    reads("getJobs", getJobs.make(["emails", "other"], 2, 500), (jobs) =>
      assert.deepStrictEqual(jobs, [
        {
          queue: "emails",
          id: ids.first as never,
          body: new TextEncoder().encode("hello"),
          nacks: 0,
          additionalDeliveries: 0,
          node
        },
        { queue: "emails", id: ids.second as never, body: bytes, nacks: 0, additionalDeliveries: 0, node }
      ])
    )
    reads("getJobs", getJobs.make(["emails"], 1, 0), (jobs) => assert.deepStrictEqual(jobs, []))
    refuses("getJobs", getJobs.make(["emails"], 1, 500), "NodeLeaving")
  })

  it("ACKJOB, FASTACK, NACK, ENQUEUE, DEQUEUE and DELJOB", () => {
    reads("ackJobs", Commands.ackJobs.make(ids.first), (count) => assert.strictEqual(count, 1))
    reads("fastAckJobs", Commands.fastAckJobs.make(ids.second), (count) => assert.strictEqual(count, 1))
    reads("nackJobs", Commands.nackJobs.make([ids.first, ids.second]), (count) => assert.strictEqual(count, 2))
    reads("enqueueJobs", Commands.enqueueJobs.make([ids.first]), (count) => assert.strictEqual(count, 1))
    reads("dequeueJobs", Commands.dequeueJobs.make(ids.first), (count) => assert.strictEqual(count, 1))
    reads("deleteJobs", Commands.deleteJobs.make([ids.third, ids.second]), (count) => assert.strictEqual(count, 1))
  })

  it("WORKING", () => {
    reads("working", Commands.working.make(ids.first), (retry) => assert.deepStrictEqual(retry, Duration.minutes(5)))
    refuses("working", Commands.working.make(ids.unknown), "JobNotFound")
  })

  it("SHOW", () => {
    const { show } = Commands
    reads("show", show.make(ids.first), (shown) => {
      const { body, ctime, fields, nextAwakeWithin, nextRequeueWithin, ...info } = Option.getOrThrow(shown)
      assert.deepStrictEqual(info, {
        id: ids.first as never,
        queue: "emails",
        state: "queued",
        replicate: 1,
        ttl: Duration.days(1),
        delay: Duration.zero,
        retry: Duration.minutes(5),
        nacks: 1,
        additionalDeliveries: 1,
        nodesDelivered: ["afa64674dbc2f7dcdb58e5f3ef6b09b8239ddb35"],
        nodesConfirmed: []
      })
      assert.strictEqual(text(body), "hello")
      assert.isTrue(ctime > 2n ** 53n)
      assert.strictEqual(ctime % 1_000_000n, 0n)
      assert.isTrue(Duration.greaterThan(nextRequeueWithin ?? 0, "299 seconds"))
      assert.isNotNull(nextAwakeWithin)
      assert.strictEqual(fields.size, 15)
    })
    reads("show", show.make(ids.third), (shown) => {
      const { delay, retry, state } = Option.getOrThrow(shown)
      assert.deepStrictEqual([state, delay, retry], ["active", Duration.hours(1), Duration.zero])
    })
    reads("show", show.make(ids.unknown), (shown) => assert.deepStrictEqual(shown, Option.none()))
    reads("show", show.make(ids.acknowledged), (shown) => {
      const { body, queue, state } = Option.getOrThrow(shown)
      assert.deepStrictEqual({ body, queue, state }, { body: null, queue: null, state: "acked" })
    })
    reads("show", show.make(ids.shared), (shown) =>
      assert.strictEqual(Option.getOrThrow(shown).nodesDelivered.length, 2)
    )
  })

  it("QLEN and QPEEK", () => {
    reads("queueLength", Commands.queueLength.make("emails"), (length) => assert.strictEqual(length, 2))
    refuses("queueLength", Commands.queueLength.make("emails"), "NotAuthenticated", 1)
    reads("peek", Commands.peek.make("emails", { count: 2 }), (jobs) =>
      assert.deepStrictEqual(
        jobs.map(({ body, id, queue }) => [queue, id as string, body]),
        [
          ["emails", ids.first, new TextEncoder().encode("hello")],
          ["emails", ids.second, bytes]
        ]
      )
    )
    reads("peek", Commands.peek.make("emails", { from: "newest" }), (jobs) =>
      assert.deepStrictEqual(
        jobs.map(({ id }) => id as string),
        [ids.second]
      )
    )
    reads("peek", Commands.peek.make("unknown"), (jobs) => assert.deepStrictEqual(jobs, []))
  })

  it("QSTAT", () => {
    reads("queueStats", Commands.queueStats.make("emails"), (stats) => {
      const { fields, ...known } = Option.getOrThrow(stats)
      assert.deepStrictEqual(known, {
        node,
        name: "emails",
        length: 2,
        age: Duration.zero,
        idle: Duration.zero,
        blocked: 0,
        importFrom: [],
        importRate: 0,
        jobsIn: known.jobsIn,
        jobsOut: known.jobsOut,
        pause: "none"
      })
      assert.strictEqual(typeof known.jobsIn, "bigint")
      assert.isTrue(known.jobsIn >= known.jobsOut + 2n)
      assert.strictEqual(fields.size, 10)
    })
    reads("queueStats", Commands.queueStats.make("shared"), (stats) => assert.isTrue(Option.isSome(stats)))
    reads("queueStats", Commands.queueStats.make("unknown"), (stats) => assert.isTrue(Option.isNone(stats)))
  })

  it("QSCAN and JSCAN", () => {
    reads("scanQueues", Commands.scanQueues.make("0", { minLen: 1, maxLen: 10, importRate: 0 }), (page) =>
      assert.deepStrictEqual(page, { node, cursor: "0", items: ["emails"] })
    )
    reads("scanQueues", Commands.scanQueues.make("0", { pageSize: 1 }), (page) =>
      assert.deepStrictEqual(page, { node, cursor: "3", items: ["other"] })
    )
    reads("scanJobIds", Commands.scanJobIds.make("0", { queue: "emails", states: ["queued", "active"] }), (page) =>
      assert.sameMembers([...page.items], [ids.first, ids.second])
    )
    reads("scanJobs", Commands.scanJobs.make("0"), (page) => {
      assert.sameMembers(
        page.items.map(({ id }) => id as string),
        [ids.first, ids.second, ids.third]
      )
      assert.sameMembers(
        page.items.map(({ body }) => text(body)),
        ["hello", "later", text(bytes)]
      )
    })
  })

  it("PAUSE", () => {
    reads("pause", Commands.pause.make("emails", "in"), (state) => assert.strictEqual(state, "in"))
    reads("pause", Commands.pause.make("emails", "state"), (state) => assert.strictEqual(state, "in"))
    reads("pause", Commands.pause.make("emails", "none", { broadcast: true }), (state) =>
      assert.strictEqual(state, "none")
    )
  })

  it("PING and HELLO", () => {
    reads("ping", Commands.ping.make(), (pong) => assert.strictEqual(pong, "PONG"))
    reads("hello", Commands.hello.make(), (hello) =>
      assert.deepStrictEqual(hello, {
        version: 1,
        id: "afa64674dbc2f7dcdb58e5f3ef6b09b8239ddb35",
        nodes: [
          {
            id: "afa64674dbc2f7dcdb58e5f3ef6b09b8239ddb35",
            host: "",
            port: 8001,
            address: node,
            priority: 1,
            more: []
          }
        ]
      })
    )
    reads(
      "hello",
      Commands.hello.make(),
      ({ id, nodes }) => {
        assert.strictEqual(nodes.find((other) => other.id === id)?.address, node)
        assert.deepInclude(
          nodes.find((other) => other.id !== id),
          { host: "127.0.0.1", port: 8003, address: "127.0.0.1:8003", priority: 1 }
        )
      },
      1
    )
  })

  it("INFO", () => {
    reads("info", Commands.info.make(), (info) => {
      assert.deepStrictEqual(
        [...info.keys()],
        ["server", "clients", "memory", "jobs", "queues", "persistence", "stats", "cpu"]
      )
      assert.strictEqual(info.get("server")?.get("disque_version"), "1.0-rc1")
      assert.strictEqual(info.get("server")?.get("disque_git_sha1"), "0192ba7e")
      assert.strictEqual(info.get("server")?.get("tcp_port"), 8001)
      assert.strictEqual(info.get("server")?.get("config_file"), "")
      assert.strictEqual(info.get("jobs")?.get("registered_jobs"), 0)
      assert.strictEqual(info.get("persistence")?.get("aof_last_rewrite_time_sec"), -1)
      assert.strictEqual(typeof info.get("memory")?.get("mem_fragmentation_ratio"), "number")
    })
    reads("info", Commands.info.make("all"), (info) => {
      assert.match(String(info.get("commandstats")?.get("cmdstat_info")), /^calls=1,usec=\d+,usec_per_call=[\d.]+$/)
    })
  })

  it("TIME, COMMAND, BGREWRITEAOF, DEBUG and any other", () => {
    reads("time", Commands.time.make(), ({ at, microseconds }) => {
      assert.strictEqual(microseconds, 1_795_552_757_845_998n)
      assert.strictEqual(DateTime.toEpochMillis(at), 1_795_552_757_845)
    })
    reads("commands", Commands.commands.make(), (commands) => {
      assert.strictEqual(commands.length, 32)
      assert.deepStrictEqual(
        commands.find(({ name }) => name === "getjob"),
        { name: "getjob", arity: -2, flags: ["write", "fast"], more: [0, 0, 0] }
      )
    })
    reads("rewriteAof", Commands.rewriteAof.make(), (done) => assert.isUndefined(done))
    reads("debug", Commands.debug.make("STRUCTSIZE"), (reply) => assert.match(text(reply as Uint8Array), /^bits:64 /))
    refuses("raw", Commands.raw.make("NOSUCH", 1), "CommandRefused")
    reads("raw", Commands.raw.make("QLEN", "emails"), (reply) => assert.strictEqual(reply, 0))
  })

  it("AUTH", () => {
    const secret = Redacted.make("secret")
    refuses("auth", Commands.auth.make(secret), "CommandRefused")
    reads("auth", Commands.auth.make(secret), (done) => assert.isUndefined(done), 1)
    refuses("auth", Commands.auth.make(Redacted.make("wrong")), "NotAuthenticated")
  })

  it("SHUTDOWN, which is answered by the end of the link", () => {
    assert.deepStrictEqual(find("shutdown", Commands.shutdown.make())[0]?.reply, { closed: true })
  })

  it("CLUSTER", () => {
    const { cluster } = Commands
    const own = "afa64674dbc2f7dcdb58e5f3ef6b09b8239ddb35"
    const other = "088a3380b1cc8bf5bb6c65e41fa9afdd0907a00b"
    reads("cluster.meet", cluster.meet.make("127.0.0.1", 8004), (done) => assert.isUndefined(done))
    reads("cluster.nodes", cluster.nodes.make(), (nodes) =>
      assert.deepStrictEqual(nodes, [
        {
          id: other,
          host: "127.0.0.1",
          port: 8004,
          address: "127.0.0.1:8004",
          flags: [],
          isMyself: false,
          pingSent: Option.none(),
          pongReceived: Option.some(DateTime.unsafeMake(1_795_552_758_598)),
          isConnected: true,
          more: []
        },
        {
          id: own,
          host: "127.0.0.1",
          port: 8001,
          address: node,
          flags: ["myself"],
          isMyself: true,
          pingSent: Option.none(),
          pongReceived: Option.none(),
          isConnected: true,
          more: []
        }
      ])
    )
    reads("cluster.nodes", cluster.nodes.make(), (nodes) => assert.strictEqual(nodes.length, 2), 1)
    reads("cluster.nodes", cluster.nodes.make(), ([mine]) => assert.deepEqual(mine?.flags, ["myself", "leaving"]), 2)
    reads("cluster.info", cluster.info.make(), ({ fields, ...info }) => {
      assert.deepStrictEqual(info, {
        state: "ok",
        knownNodes: 2,
        reachableNodes: 1,
        size: 2,
        messagesSent: 2316n,
        messagesReceived: 2316n
      })
      assert.strictEqual(fields.get("cluster_size"), 2)
    })
    reads("cluster.forget", cluster.forget.make(other), (done) => assert.isUndefined(done))
    refuses("cluster.forget", cluster.forget.make("0".repeat(40)), "CommandRefused")
    reads("cluster.leaving", cluster.leaving.make(), (isLeaving) => assert.isFalse(isLeaving))
    reads("cluster.leaving", cluster.leaving.make(), (isLeaving) => assert.isTrue(isLeaving), 1)
    reads("cluster.setLeaving", cluster.setLeaving.make(true), (done) => assert.isUndefined(done))
    reads("cluster.setLeaving", cluster.setLeaving.make(false), (done) => assert.isUndefined(done))
    reads("cluster.reset", cluster.reset.make(), (done) => assert.isUndefined(done))
    reads("cluster.reset", cluster.reset.make("hard"), (done) => assert.isUndefined(done))
  })

  it("CONFIG", () => {
    const { config } = Commands
    reads("config.get", config.get.make("max*"), (all) =>
      assert.deepStrictEqual(
        [...all],
        [
          ["maxmemory", "1073741824"],
          ["maxmemory-samples", "5"],
          ["maxclients", "10000"],
          ["maxmemory-policy", "acks"]
        ]
      )
    )
    reads("config.get", config.get.make("unknown"), (all) => assert.strictEqual(all.size, 0))
    reads("config.set", config.set.make("maxmemory-samples", 4), (done) => assert.isUndefined(done))
    reads("config.set", config.set.make("requirepass", Redacted.make("secret")), (done) => assert.isUndefined(done))
    refuses("config.set", config.set.make("unknown", "1"), "CommandRefused")
    refuses("config.set", config.set.make("maxclients", "none"), "CommandRefused")
    refuses("config.rewrite", config.rewrite.make(), "CommandRefused")
    reads("config.rewrite", config.rewrite.make(), (done) => assert.isUndefined(done), 1)
    reads("config.resetStatistics", config.resetStatistics.make(), (done) => assert.isUndefined(done))
  })

  it("CLIENT", () => {
    const { client } = Commands
    reads("client.getName", client.getName.make(), (name) => assert.deepStrictEqual(name, Option.none()))
    reads("client.setName", client.setName.make("worker-1"), (done) => assert.isUndefined(done))
    reads("client.getName", client.getName.make(), (name) => assert.deepStrictEqual(name, Option.some("worker-1")), 1)
    reads("client.list", client.list.make(), (clients) => {
      const named = clients.find(({ name }) => name === "worker-1")
      assert.deepInclude(named, { id: 24n, age: Duration.seconds(2), command: "client", isBlocked: false, flags: "N" })
      assert.strictEqual(named?.fields.get("qbuf-free"), "32768")
      assert.deepInclude(
        clients.find(({ id }) => id === 25n),
        { isBlocked: true, command: "getjob", name: "" }
      )
    })
    reads("client.kill", client.kill.make({ id: 25, type: "normal" }), (count) => assert.strictEqual(count, 1))
    reads("client.kill", client.kill.make({ address: "127.0.0.1:1", skipMe: false }), (count) =>
      assert.strictEqual(count, 0)
    )
  })

  it("SLOWLOG", () => {
    const { slowlog } = Commands
    reads("slowlog.get", slowlog.get.make(2), ([latest]) => {
      assert.deepInclude(latest, {
        id: 1n,
        at: DateTime.unsafeMake(1_795_552_759_000),
        duration: Duration.micros(1n),
        more: []
      })
      assert.deepStrictEqual(latest?.args.map(text), ["QLEN", "emails"])
    })
    reads("slowlog.length", slowlog.length.make(), (length) => assert.strictEqual(length, 3))
    reads("slowlog.reset", slowlog.reset.make(), (done) => assert.isUndefined(done))
  })

  it("LATENCY", () => {
    const { latency } = Commands
    const first = DateTime.unsafeMake(1_795_552_759_000)
    const second = DateTime.unsafeMake(1_795_552_760_000)
    reads("latency.latest", latency.latest.make(), (events) =>
      assert.deepStrictEqual(events, [
        { event: "command", at: second, latency: Duration.millis(5), max: Duration.millis(20), more: [] }
      ])
    )
    reads("latency.history", latency.history.make("command"), (samples) =>
      assert.deepStrictEqual(samples, [
        { at: first, latency: Duration.millis(20), more: [] },
        { at: second, latency: Duration.millis(5), more: [] }
      ])
    )
    reads("latency.history", latency.history.make("unknown"), (samples) => assert.deepStrictEqual(samples, []))
    reads("latency.graph", latency.graph.make("command"), (graph) => assert.match(graph, /^command - high 20 ms/))
    refuses("latency.graph", latency.graph.make("unknown"), "CommandRefused")
    reads("latency.doctor", latency.doctor.make(), (report) => assert.match(report, /^Dave, /))
    reads("latency.reset", latency.reset.make("command", "unknown"), (count) => assert.strictEqual(count, 1))
  })
})

describe.concurrent("the recorded exchanges", () => {
  it("cover every command that is defined, and each is one that a test above looked at", () => {
    assert.sameMembers([...new Set(exchanges.map(({ command }) => command))], [...definitions.keys()])
    assert.deepStrictEqual(
      exchanges.filter((exchange) => !tested.has(exchange)),
      []
    )
  })
})
