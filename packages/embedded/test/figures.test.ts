import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { EmbeddedDisque, type EmbeddedNode } from "../src/index.js"
import { Connection } from "../src/internal/host/connection.js"
import { dial, layer, say, text } from "./utils/ask.js"
import { timed } from "./utils/timed.js"

/** The figures of INFO or of a line of CLIENT LIST, by name. */
const figures = (shown: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries([...String(shown).matchAll(/(\w[\w-]*)[:=](\S*)/g)].map(([, name, value]) => [name, value]))

/** Opens a connection whose client takes what is written if it `reads`. */
const open = Effect.fnUntraced(function* (node: EmbeddedNode, reads: boolean) {
  const connection = new Connection(node, "127.0.0.1:1")
  yield* Effect.forkScoped(connection.writeAll(() => (reads ? Effect.void : Effect.never)))
  return {
    connection,
    receive: (command: string) =>
      Effect.zipRight(
        Effect.sync(() => connection.receive(Buffer.from(command))),
        Effect.repeatN(Effect.yieldNow(), 10)
      )
  }
})

describe("INFO", () => {
  it.scoped("counts connections, commands and the bytes of clients on sockets, until RESETSTAT", () =>
    Effect.gen(function* () {
      const { nodes } = yield* EmbeddedDisque
      const link = yield* dial(1)
      yield* say(link, "CONFIG", "SET", "maxclients", "2")
      const { receive } = yield* open(nodes[0], true)
      assert.isUndefined(nodes[0].connect({ onAnswer: () => {}, onEnd: () => {} }, { address: "127.0.0.1:2" }))
      yield* receive("PING\r\n")
      yield* receive("PING\r\n")
      assert.include(figures(yield* say(link, "INFO", "stats")), {
        total_connections_received: "2",
        total_commands_processed: "3",
        total_net_input_bytes: "12",
        total_net_output_bytes: "14",
        rejected_connections: "1"
      })
      yield* say(link, "CONFIG", "RESETSTAT")
      assert.include(figures(yield* say(link, "INFO", "stats")), {
        total_connections_received: "0",
        total_commands_processed: "1",
        instantaneous_ops_per_sec: "0",
        total_net_input_bytes: "0",
        total_net_output_bytes: "0",
        rejected_connections: "0"
      })
    }).pipe(Effect.provide(layer()))
  )

  it.effect("has rates over the last 1.6 seconds, as if it took a sample each 100 ms", () =>
    Effect.gen(function* () {
      const { nodes } = yield* EmbeddedDisque
      const link = yield* dial(1)
      const { receive } = yield* open(nodes[0], true)
      const rates = Effect.map(say(link, "INFO", "stats"), (shown) => {
        const { instantaneous_input_kbps, instantaneous_ops_per_sec, instantaneous_output_kbps } = figures(shown)
        return [instantaneous_ops_per_sec, instantaneous_input_kbps, instantaneous_output_kbps]
      })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* rates, ["0", "0.00", "0.00"])
      yield* receive(`PING ${"x".repeat(16_377)}\r\n`.repeat(2))
      assert.deepStrictEqual(yield* rates, ["0", "0.00", "0.00"])
      yield* TestClock.adjust("100 millis")
      // 4 commands and 32 kB in 100 ms, averaged with 15 samples without any.
      assert.deepStrictEqual((yield* rates).slice(0, 2), ["2", "20.00"])
      yield* TestClock.adjust("1500 millis")
      assert.deepStrictEqual((yield* rates).slice(0, 2), ["3", "20.00"])
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual((yield* rates)[1], "0.00")
      yield* TestClock.adjust("1 day")
      yield* rates
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* rates, ["0", "0.00", "0.00"])
    }).pipe(Effect.scoped, Effect.provide(layer()))
  )

  it.effect("has the time that each command took, in the order of the table of commands", () =>
    timed(({ say, takes }) =>
      Effect.gen(function* () {
        yield* takes(3, "QLEN", "q")
        yield* takes(5, "PING")
        yield* takes(6, "PING")
        yield* takes(10, "PING")
        assert.strictEqual(
          yield* say("INFO", "commandstats"),
          [
            "# Commandstats",
            "cmdstat_ping:calls=3,usec=21,usec_per_call=7.00",
            "cmdstat_qlen:calls=1,usec=3,usec_per_call=3.00",
            ""
          ].join("\r\n")
        )
      })
    )
  )

  it.effect("tells of the process where that is given", () =>
    Effect.gen(function* () {
      assert.include(figures(yield* text(yield* dial(1), "INFO")), {
        process_id: "7",
        executable: "/bin/node",
        used_memory: "773528",
        used_memory_rss: "2000000",
        mem_fragmentation_ratio: "2.59",
        used_cpu_sys: "0.12",
        used_cpu_user: "2.50"
      })
    }).pipe(
      Effect.provide(
        layer({
          process: {
            id: 7,
            os: "Linux 6.1.0 x86_64",
            executable: "/bin/node",
            residentMemory: () => 2_000_000,
            cpuSeconds: () => ({ system: 0.125, user: 2.5 })
          }
        })
      )
    )
  )

  it.effect("has a peak of memory that is no less than what is used", () =>
    Effect.gen(function* () {
      const link = yield* dial(1)
      yield* say(link, "QPEEK", "q".repeat(1000), "1")
      yield* say(link, "PAUSE", "q".repeat(1000), "in")
      const { used_memory, used_memory_peak } = figures(yield* say(link, "INFO", "memory"))
      assert.isAbove(Number(used_memory), 773_528 + 1000)
      assert.strictEqual(used_memory_peak, used_memory)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("begins anew when the node is restarted", () =>
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque
      const link = yield* dial(1)
      yield* say(link, "CONFIG", "SET", "slowlog-log-slower-than", "0")
      yield* say(link, "PING")
      assert.strictEqual(yield* say(link, "SLOWLOG", "LEN"), 2)
      yield* disque.kill(disque.nodes[0])
      yield* disque.restart(disque.nodes[0])
      const again = yield* dial(1)
      assert.strictEqual(yield* say(again, "SLOWLOG", "LEN"), 0)
      assert.include(figures(yield* say(again, "INFO", "stats")), {
        total_connections_received: "1",
        total_commands_processed: "1"
      })
    }).pipe(Effect.provide(layer()))
  )
})

describe("a client on a socket", () => {
  it.scoped("is shown with what waits in its buffers", () =>
    Effect.gen(function* () {
      const { nodes } = yield* EmbeddedDisque
      const link = yield* dial(1)
      const { receive } = yield* open(nodes[0], false)
      const shown = Effect.map(say(link, "CLIENT", "LIST"), (list) =>
        figures(
          String(list)
            .split("\n")
            .find((line) => line.includes("127.0.0.1:1"))
        )
      )
      const most = Effect.map(say(link, "INFO", "clients"), figures)
      assert.include(yield* shown, { qbuf: "0", obl: "0", oll: "0", omem: "0", events: "r" })
      yield* receive("PING\r\nPING")
      assert.include(yield* shown, { qbuf: "4", obl: "0", oll: "1", omem: "7", events: "rw", idle: "0", age: "0" })
      yield* receive("\r\n")
      assert.include(yield* shown, { qbuf: "0", obl: "7", oll: "1", omem: "7" })
      yield* receive("PIN")
      assert.include(yield* most, {
        connected_clients: "2",
        client_longest_output_list: "1",
        client_biggest_input_buf: "3",
        blocked_clients: "0"
      })
      yield* receive("G\r\nGETJOB FROM nothing\r\n")
      yield* TestClock.adjust("90 seconds")
      assert.include(yield* shown, { idle: "90", age: "90", flags: "b", cmd: "getjob" })
      assert.include(yield* most, { blocked_clients: "1" })
    }).pipe(Effect.provide(layer()))
  )
})
