import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { EmbeddedDisque } from "../../src/index.js"
import { dial, say, text } from "../utils/ask.js"
import { filesOn, onDisk } from "../utils/disk.js"
import { MemoryDisk } from "../utils/memoryDisk.js"

const count = 5000

/** A disk with the file of many jobs. */
const filled = Effect.gen(function* () {
  const disk = new MemoryDisk()
  yield* onDisk({ dir: "/data" }, (link) =>
    Effect.forEach(Array(count).keys(), (i) => say(link, "ADDJOB", "q", `${i}`.padStart(100), "0"), {
      concurrency: "unbounded",
      discard: true
    })
  ).pipe(Effect.provide(filesOn(disk)))
  return disk
})

/** Runs a test while a node has read a part of its file. */
const whileLoading = <A, E>(
  use: (
    disque: EmbeddedDisque.Service,
    disk: MemoryDisk,
    goOn: Effect.Effect<void>
  ) => Effect.Effect<A, E, Effect.Effect.Context<ReturnType<typeof dial>>>
) =>
  Effect.gen(function* () {
    const disk = yield* filled
    const latch = Effect.unsafeMakeLatch()
    let reads = 0
    disk.fate = ({ does, path }) => (does === "read" && path.endsWith(".aof") && ++reads > 1 ? latch.await : undefined)
    const disque = yield* EmbeddedDisque.make({ dir: "/data" }).pipe(Effect.provide(filesOn(disk)))
    const dialer = Layer.provide(EmbeddedDisque.layerDialer, Layer.succeed(EmbeddedDisque, disque))
    return yield* Effect.provide(
      Effect.zipRight(TestClock.adjust(1), use(disque, disk, Effect.asVoid(latch.open))),
      dialer
    )
  }).pipe(Effect.scoped)

/** The commands that a server runs while it loads its file. */
const run = ["auth", "info", "shutdown", "command", "latency"]

const words: Readonly<Record<string, ReadonlyArray<string>>> = {
  auth: ["password"],
  debug: ["FLUSHALL"],
  config: ["GET", "dir"],
  cluster: ["NODES"],
  client: ["LIST"],
  slowlog: ["GET"],
  latency: ["LATEST"],
  addjob: ["q", "x", "0"],
  getjob: ["NOHANG", "FROM", "q"],
  show: ["id"],
  loadjob: ["job"],
  qlen: ["q"],
  qpeek: ["q", "1"],
  qstat: ["q"],
  working: ["id"],
  pause: ["q", "in"]
}

describe("a node that reads its file", () => {
  it.effect("answers LOADING to the commands that a server refuses then, and runs the others", () =>
    whileLoading((disque, _, goOn) =>
      Effect.gen(function* () {
        const link = yield* dial(1)
        const table = (yield* say(link, "COMMAND")) as ReadonlyArray<readonly [string, ...ReadonlyArray<unknown>]>
        assert.isAbove(table.length, 30)
        for (const [name] of table) {
          if (name === "shutdown") continue
          const reply = JSON.stringify(yield* say(link, name, ...(words[name] ?? [])))
          const loading = '"Error: LOADING Disque is loading the dataset in memory"'
          if (run.includes(name)) assert.notStrictEqual(reply, loading, name)
          else assert.strictEqual(reply, loading, name)
        }
        yield* goOn
        yield* disque.nodes[0].loaded
        assert.strictEqual(yield* say(link, "QLEN", "q"), count)
      })
    )
  )

  it.effect("tells how far it is", () =>
    whileLoading((disque, disk, goOn) =>
      Effect.gen(function* () {
        const link = yield* dial(1)
        const size = disk.bytes("/data/disque.aof")?.length ?? 0
        const told = yield* text(link, "INFO", "persistence")
        assert.include(told, "loading:1")
        assert.include(told, `loading_total_bytes:${size}`)
        assert.include(told, `loading_loaded_bytes:${256 * 1024}`)
        assert.include(told, `loading_loaded_perc:${((256 * 1024 * 100) / size).toFixed(2)}`)
        yield* goOn
        yield* disque.nodes[0].loaded
        assert.include(yield* text(link, "INFO", "persistence"), "loading:0")
      })
    )
  )

  it.effect("ends at once by SHUTDOWN, and leaves the file as it was", () =>
    whileLoading((disque, disk, goOn) =>
      Effect.gen(function* () {
        const before = disk.bytes("/data/disque.aof")
        yield* Effect.flip(say(yield* dial(1), "SHUTDOWN"))
        yield* disque.nodes[0].down
        yield* goOn
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(disk.bytes("/data/disque.aof"), before)
      })
    )
  )

  it.effect("can be killed and restarted, and has each job once", () =>
    whileLoading((disque, _, goOn) =>
      Effect.gen(function* () {
        const [node] = disque.nodes
        yield* disque.kill(node)
        const restarting = yield* Effect.fork(disque.restart(node))
        yield* TestClock.adjust(1)
        assert.match(yield* text(yield* dial(1), "QLEN", "q"), /^Error: LOADING/)
        yield* goOn
        yield* restarting.await
        assert.strictEqual(yield* say(yield* dial(1), "QLEN", "q"), count)
      })
    )
  )
})
