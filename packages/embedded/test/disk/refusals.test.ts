import type { DisqueLink } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import type { DurableOptions, EmbeddedDisque } from "../../src/index.js"
import { dial, say, text } from "../utils/ask.js"
import { filesOn, onDisk } from "../utils/disk.js"
import { type Call, MemoryDisk } from "../utils/memoryDisk.js"

const misconf = (words: string) => `Error: MISCONF Errors writing to the AOF file: ${words}`

/** Runs a test on a disk in memory, and shows the jobs that a process finds that starts on what it left. */
const inMemory = <A, E>(
  options: Omit<DurableOptions, "dir">,
  use: (
    disk: MemoryDisk,
    link: DisqueLink
  ) => Effect.Effect<A, E, EmbeddedDisque | Effect.Effect.Context<ReturnType<typeof dial>>>
) =>
  Effect.gen(function* () {
    const disk = new MemoryDisk()
    const killed = yield* onDisk({ dir: "/data", ...options }, (link) =>
      Effect.map(use(disk, link), () => disk.afterKill())
    ).pipe(Effect.provide(filesOn(disk)))
    assert.deepStrictEqual(disk.open, [])
    return yield* onDisk({ dir: "/data" }, (link) =>
      Effect.map(say(link, "GETJOB", "NOHANG", "COUNT", "100", "FROM", "q"), (jobs) =>
        ((jobs ?? []) as ReadonlyArray<ReadonlyArray<string>>).map(([, , body]) => body)
      )
    ).pipe(Effect.provide(filesOn(killed)))
  })

const isWrite = ({ does, path }: Call) => does === "write" && path === "/data/disque.aof"
const isSync = ({ does, path }: Call) => does === "sync" && path === "/data/disque.aof"

describe("a disk that fails in the middle of a pipeline", () => {
  for (const fault of [
    { written: 0, code: "ENOSPC" },
    { written: 250, code: "ENOSPC" }
  ] as const) {
    it.effect(`keeps the jobs whose ids it gave, and no other (${fault.written} bytes are written)`, () =>
      Effect.gen(function* () {
        const found = yield* inMemory({ appendfsync: "always" }, (disk, link) =>
          Effect.gen(function* () {
            const first = Effect.unsafeMakeLatch()
            let writes = 0
            disk.fate = (call) => (isWrite(call) ? (++writes === 1 ? first.await : fault) : undefined)
            const add = (body: string) => Effect.fork(text(link, "ADDJOB", "q", body, "0"))
            const early = yield* Effect.forEach(["1", "2", "3"], add)
            yield* TestClock.adjust(1)
            const late = yield* Effect.forEach(["4", "5", "6", "7"], add)
            yield* TestClock.adjust(1)
            assert.strictEqual(yield* say(yield* dial(1), "QLEN", "q"), 7)
            yield* first.open
            for (const reply of yield* Fiber.join(Fiber.all(early))) assert.match(reply, /^D-/)
            const refused = misconf("No space left on device")
            assert.deepStrictEqual(yield* Fiber.join(Fiber.all(late)), [refused, refused, refused, refused])
            assert.strictEqual(yield* say(link, "QLEN", "q"), 3)
          })
        )
        assert.deepStrictEqual(found, ["1", "2", "3"])
      })
    )
  }

  it.effect("answers in the order of the commands, those that need no disk too", () =>
    inMemory({ appendfsync: "always" }, (disk, link) =>
      Effect.gen(function* () {
        disk.fate = (call) => (isSync(call) ? "EIO" : undefined)
        const replies = yield* Effect.all(
          [
            say(link, "QLEN", "other"),
            say(link, "ADDJOB", "q", "x", "0"),
            say(link, "QLEN", "other"),
            say(link, "PING"),
            say(link, "ADDJOB", "q", "x", "0", "MAXLEN", "9"),
            say(link, "SHOW", "nonsense")
          ],
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(replies, [
          0,
          misconf("Input/output error"),
          0,
          "PONG",
          misconf("Input/output error"),
          "Error: BADID Invalid Job ID format."
        ])
      })
    )
  )
})

describe("a job that a consumer has before its record is written", () => {
  const withConsumer = (
    use: (
      disk: MemoryDisk,
      links: { readonly producer: DisqueLink; readonly consumer: DisqueLink },
      given: { readonly adding: Fiber.Fiber<string, unknown>; readonly id: string; readonly fail: Effect.Effect<void> }
    ) => Effect.Effect<void, unknown>
  ) =>
    inMemory({ appendfsync: "always" }, (disk, producer) =>
      Effect.gen(function* () {
        const consumer = yield* dial(1)
        const latch = Effect.unsafeMakeLatch()
        const taking = yield* Effect.fork(say(consumer, "GETJOB", "FROM", "q"))
        yield* TestClock.adjust(1)
        let isFailing = true
        disk.fate = (call) => (isWrite(call) && isFailing ? latch.await : isSync(call) && isFailing ? "EIO" : undefined)
        const adding = yield* Effect.fork(text(producer, "ADDJOB", "q", "x", "0", "RETRY", "1000"))
        const [[, id = ""] = []] = (yield* Fiber.join(taking)) as ReadonlyArray<ReadonlyArray<string>>
        yield* use(disk, { producer, consumer }, { adding, id, fail: Effect.asVoid(latch.open) })
        isFailing = false
        yield* TestClock.adjust("1 second")
        const link = yield* dial(1)
        while ((yield* say(link, "PING")) !== "PONG") yield* TestClock.adjust(0)
      })
    )

  it.effect("leaves its producer without an answer if that fails, and stays", () =>
    Effect.gen(function* () {
      const found = yield* withConsumer((_, { consumer, producer }, { adding, fail, id }) =>
        Effect.gen(function* () {
          yield* fail
          assert.deepInclude(yield* Effect.flip(Fiber.join(adding)), { _tag: "ConnectionError", reason: "lost" })
          assert.isFalse(producer.isOpen())
          assert.match(yield* text(consumer, "NACK", id), /^Error: MISCONF/)
          assert.isArray(yield* say(consumer, "SHOW", id))
        })
      )
      assert.deepStrictEqual(found, ["x"])
    })
  )

  it.effect(
    "and that is acknowledged before that fails, is done for its producer, and its acknowledgement is refused",
    () =>
      Effect.gen(function* () {
        const found = yield* withConsumer((_, { consumer }, { adding, fail, id }) =>
          Effect.gen(function* () {
            const acking = yield* Effect.fork(say(consumer, "ACKJOB", id))
            yield* TestClock.adjust(1)
            yield* fail
            assert.strictEqual(yield* Fiber.join(adding), id)
            assert.strictEqual(yield* Fiber.join(acking), misconf("Input/output error"))
          })
        )
        assert.deepStrictEqual(found, [])
      })
  )
})

describe("recording that is stopped", () => {
  it.effect("answers all who wait for their records, also if the disk is full", () =>
    Effect.gen(function* () {
      for (const code of [undefined, "ENOSPC"]) {
        yield* inMemory({ appendfsync: "always" }, (disk, link) =>
          Effect.gen(function* () {
            const latch = Effect.unsafeMakeLatch()
            let writes = 0
            disk.fate = (call) => (isWrite(call) ? (++writes === 1 ? latch.await : code) : undefined)
            const clients = yield* Effect.forEach(["1", "2", "3"], (body) =>
              Effect.gen(function* () {
                const own = yield* dial(1)
                const adding = yield* Effect.fork(text(own, "ADDJOB", "q", body, "0"))
                yield* TestClock.adjust(1)
                return adding
              })
            )
            const stopping = yield* Effect.fork(say(link, "CONFIG", "SET", "appendonly", "no"))
            yield* TestClock.adjust(1)
            const late = yield* Effect.fork(text(yield* dial(1), "ADDJOB", "q", "4", "0"))
            yield* latch.open
            const replies = yield* Fiber.join(Fiber.all([...clients, late]))
            assert.match(replies[0] ?? "", /^D-/)
            for (const reply of replies) assert.match(reply, code === undefined ? /^D-/ : /^(D-|Error: MISCONF)/)
            assert.strictEqual(yield* Fiber.join(stopping), "OK")
            assert.include(yield* text(link, "INFO", "persistence"), "aof_state:off")
            assert.match(yield* text(link, "ADDJOB", "q", "5", "0"), /^D-/)
          })
        )
      }
    })
  )

  it.effect("cannot be begun again where the disk refuses, and then nothing waits for it", () =>
    inMemory({ appendfsync: "always" }, (disk, link) =>
      Effect.gen(function* () {
        yield* say(link, "CONFIG", "SET", "appendonly", "no")
        disk.fate = ({ does, path }) => (does === "open" && path.includes("temp-") ? "EROFS" : undefined)
        const other = yield* dial(1)
        const replies = yield* Effect.all(
          [say(link, "CONFIG", "SET", "appendonly", "yes"), text(other, "ADDJOB", "q", "x", "0")],
          { concurrency: "unbounded" }
        )
        assert.strictEqual(replies[0], "Error: ERR Unable to turn on AOF. Check server logs.")
        assert.match(replies[1], /^D-/)
        assert.include(yield* text(link, "INFO", "persistence"), "aof_state:off")
        disk.fate = () => undefined
        assert.strictEqual(yield* say(link, "CONFIG", "SET", "appendonly", "yes"), "OK")
      })
    ).pipe(Effect.map((found) => assert.deepStrictEqual(found, ["x"])))
  )
})

describe("the end of a node whose disk is full", () => {
  it.effect("refuses SHUTDOWN, and whoever waits for its record is answered", () =>
    inMemory({ appendfsync: "always" }, (disk, link) =>
      Effect.gen(function* () {
        disk.fate = (call) => (isWrite(call) ? "ENOSPC" : undefined)
        const ending = yield* dial(1)
        const refused = "Error: ERR Errors trying to SHUTDOWN. Check logs."
        const replies = yield* Effect.all([say(link, "ADDJOB", "q", "x", "0"), say(ending, "SHUTDOWN")], {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(replies, [misconf("No space left on device"), refused])
        assert.strictEqual(yield* say(ending, "SHUTDOWN"), refused)
        disk.fate = () => undefined
        yield* Effect.flip(say(ending, "SHUTDOWN"))
      })
    )
  )
})

describe("a file of another name in its place", () => {
  for (const appendfsync of ["always", "everysec", "no"] as const) {
    it.effect(`is noticed, and all jobs are written to it (${appendfsync})`, () =>
      inMemory({ appendfsync }, (disk, link) =>
        Effect.gen(function* () {
          yield* say(link, "ADDJOB", "q", "kept", "0")
          disk.put("/data/disque.aof", "")
          yield* say(link, "ADDJOB", "q", "between", "0")
          yield* TestClock.adjust("1 second")
          yield* TestClock.adjust("1 second")
          while ((yield* say(link, "PING")) !== "PONG") yield* TestClock.adjust(0)
          assert.match(yield* text(link, "ADDJOB", "q", "later", "0"), /^D-/)
        })
      ).pipe(
        Effect.map((found) =>
          assert.deepStrictEqual(found, appendfsync === "always" ? ["kept", "later"] : ["kept", "between", "later"])
        )
      )
    )
  }

  // As many bytes as many records have.
  const large = "x".repeat(5000)
  const firstWords = (bodies: ReadonlyArray<string | undefined>) => bodies.map((body) => body?.split(" ")[0])

  it.effect("is noticed within 10 ms where many records share a sync", () =>
    inMemory({ appendfsync: "always" }, (disk, link) =>
      Effect.gen(function* () {
        yield* say(link, "ADDJOB", "q", "kept", "0")
        disk.put("/data/disque.aof", "")
        assert.match(yield* text(link, "ADDJOB", "q", `between ${large}`, "0"), /^D-/)
        yield* TestClock.adjust(10)
        assert.match(yield* text(link, "ADDJOB", "q", `refused ${large}`, "0"), /^Error: MISCONF/)
        yield* TestClock.adjust("1 second")
        while ((yield* say(link, "PING")) !== "PONG") yield* TestClock.adjust(0)
        assert.match(yield* text(link, "ADDJOB", "q", "later", "0"), /^D-/)
      })
    ).pipe(Effect.map((found) => assert.deepStrictEqual(firstWords(found), ["kept", "between", "later"])))
  )

  it.effect("is noticed within a second where nothing follows many records", () =>
    inMemory({ appendfsync: "always" }, (disk, link) =>
      Effect.gen(function* () {
        yield* say(link, "ADDJOB", "q", "kept", "0")
        disk.put("/data/disque.aof", "")
        assert.match(yield* text(link, "ADDJOB", "q", `between ${large}`, "0"), /^D-/)
        yield* TestClock.adjust("1 second")
        yield* TestClock.adjust("1 second")
        while ((yield* say(link, "PING")) !== "PONG") yield* TestClock.adjust(0)
      })
    ).pipe(Effect.map((found) => assert.deepStrictEqual(firstWords(found), ["kept", "between"])))
  )
})
