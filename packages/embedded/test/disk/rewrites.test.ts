import type { DisqueLink } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { EmbeddedDisque } from "../../src/index.js"
import { dial, say, text } from "../utils/ask.js"
import { copyOf, files, filesOn, onDisk, temporaryFolder } from "../utils/disk.js"
import { type Call, MemoryDisk } from "../utils/memoryDisk.js"

const aof = "/data/disque.aof"
const temporary = "/data/temp-rewriteaof-bg.aof"

const persistence = (link: DisqueLink) => text(link, "INFO", "persistence")

/** Waits until the node says something of its files. */
const untilTold = (link: DisqueLink, words: string) =>
  Effect.gen(function* () {
    while (!(yield* persistence(link)).includes(words)) yield* TestClock.adjust(0)
  })

const rewrite = (link: DisqueLink) =>
  Effect.zipRight(say(link, "BGREWRITEAOF"), untilTold(link, "aof_rewrite_in_progress:0"))

const add = (link: DisqueLink, body: string) => text(link, "ADDJOB", "q", body, "0", "RETRY", "1000")

/** Stops the calls of a kind until it is opened. */
const barrier = (disk: MemoryDisk, isStopped: (call: Call) => boolean) => {
  const latch = Effect.unsafeMakeLatch()
  const reached = Effect.unsafeMakeLatch()
  disk.fate = (call) => (isStopped(call) ? Effect.zipRight(reached.open, latch.await) : undefined)
  return { reached: reached.await, open: latch.open }
}

const idsIn = (dir: string, disk: MemoryDisk) =>
  onDisk({ dir }, (link) =>
    Effect.map(say(link, "JSCAN", "0", "COUNT", "1000"), (all) => (all as [string, Array<string>])[1].sort())
  ).pipe(Effect.provide(filesOn(disk)))

/** The ids of the jobs in the file of a node that runs. */
const jobsIn = (disk: MemoryDisk) => idsIn("/copy", copyOf(disk))

const withDisk = <A, E>(
  use: (
    disk: MemoryDisk,
    link: DisqueLink
  ) => Effect.Effect<A, E, EmbeddedDisque | Effect.Effect.Context<ReturnType<typeof dial>>>,
  appendfsync: "always" | "everysec" | "no" = "always"
) =>
  Effect.gen(function* () {
    const disk = new MemoryDisk()
    yield* onDisk({ dir: "/data", appendfsync }, (link) => use(disk, link)).pipe(Effect.provide(filesOn(disk)))
    assert.deepStrictEqual(disk.open, [])
    assert.deepStrictEqual(disk.list("/data"), ["disque.aof", "nodes.conf"])
  })

const assertGoesOn = (disk: MemoryDisk) => {
  assert.deepStrictEqual(disk.open, [aof])
  assert.deepStrictEqual(disk.list("/data"), ["disque.aof", "disque.lock", "nodes.conf"])
}

describe("a rewrite that the disk refuses", () => {
  const places: Readonly<Record<string, (call: Call) => boolean>> = {
    "to open the new file": ({ does, path }) => does === "open" && path === temporary,
    "to write it": ({ does, path }) => does === "write" && path === temporary,
    "to sync it": ({ does, path }) => does === "sync" && path === temporary,
    "to give it its name": ({ does, path }) => does === "rename" && path === temporary,
    "to read what was recorded meanwhile": ({ does, path }) => does === "read" && path === aof
  }
  for (const code of ["EIO", "ENOSPC"]) {
    for (const [place, isRefused] of Object.entries(places)) {
      it.effect(
        `${place} (${code}) is told as failed, leaves the file as it was, and is done when asked for again`,
        () =>
          withDisk((disk, link) =>
            Effect.gen(function* () {
              const ids = [yield* add(link, "before")]
              const { open, reached } = barrier(disk, ({ does, path }) => does === "write" && path === temporary)
              yield* say(link, "BGREWRITEAOF")
              yield* reached
              ids.push(yield* add(link, "meanwhile"))
              disk.fate = (call) => (isRefused(call) ? code : undefined)
              yield* open
              yield* untilTold(link, "aof_rewrite_in_progress:0")
              // The first one was open already.
              if (place === "to open the new file") yield* rewrite(link)
              const told = yield* persistence(link)
              assert.include(told, "aof_last_bgrewrite_status:err")
              assert.include(told, "aof_last_write_status:ok")
              assertGoesOn(disk)
              ids.push(yield* add(link, "after"))
              assert.deepStrictEqual(yield* jobsIn(disk), ids.toSorted())
              disk.fate = () => undefined
              yield* rewrite(link)
              assert.include(yield* persistence(link), "aof_last_bgrewrite_status:ok")
              assertGoesOn(disk)
              assert.deepStrictEqual(yield* jobsIn(disk), ids.toSorted())
            })
          )
      )
    }
  }

  it.effect("by itself is not tried again for a minute, as it may be what fills the disk", () =>
    withDisk((disk, link) =>
      Effect.gen(function* () {
        yield* say(link, "CONFIG", "SET", "auto-aof-rewrite-min-size", "1")
        let tried = 0
        disk.fate = ({ does, path }) => (does === "open" && path === temporary && ++tried > 0 ? "ENOSPC" : undefined)
        for (let i = 0; i < 20; i++) yield* add(link, "x")
        yield* untilTold(link, "aof_last_bgrewrite_status:err")
        for (let i = 0; i < 20; i++) yield* add(link, "x")
        assert.strictEqual(tried, 1)
        yield* TestClock.adjust("1 minute")
        disk.fate = () => undefined
        yield* add(link, "x")
        yield* untilTold(link, "aof_last_bgrewrite_status:ok")
      })
    )
  )
})

describe("while the file is rewritten", () => {
  it.effect("a write that fails ends the rewrite as failed; both are well again by themselves", () =>
    withDisk((disk, link) =>
      Effect.gen(function* () {
        const ids = [yield* add(link, "before")]
        const { open, reached } = barrier(disk, ({ does, path }) => does === "write" && path === temporary)
        yield* say(link, "BGREWRITEAOF")
        yield* reached
        const stopped = disk.fate
        disk.fate = (call) =>
          call.does === "write" && call.path === aof ? { written: 70, code: "EIO" } : stopped(call)
        assert.match(yield* add(link, "refused"), /^Error: MISCONF/)
        disk.fate = stopped
        yield* open
        yield* untilTold(link, "aof_rewrite_in_progress:0")
        assert.include(yield* persistence(link), "aof_last_bgrewrite_status:err")
        yield* TestClock.adjust("1 second")
        yield* untilTold(link, "aof_last_write_status:ok")
        ids.push(yield* add(link, "after"))
        yield* rewrite(link)
        assert.include(yield* persistence(link), "aof_last_bgrewrite_status:ok")
        assertGoesOn(disk)
        assert.deepStrictEqual(yield* jobsIn(disk), ids.toSorted())
      })
    )
  )

  it.effect("recording can be stopped and begun again, and the rewrite leaves no trace", () =>
    withDisk((disk, link) =>
      Effect.gen(function* () {
        const ids = [yield* add(link, "before")]
        const { open, reached } = barrier(disk, ({ does, path }) => does === "write" && path === temporary)
        yield* say(link, "BGREWRITEAOF")
        yield* reached
        assert.strictEqual(yield* say(link, "CONFIG", "SET", "appendonly", "no"), "OK")
        assert.deepStrictEqual(disk.open, [temporary])
        ids.push(yield* add(link, "not recorded"))
        assert.strictEqual(yield* say(link, "CONFIG", "SET", "appendonly", "yes"), "OK")
        ids.push(yield* add(link, "recorded"))
        yield* open
        yield* untilTold(link, "aof_rewrite_in_progress:0")
        assertGoesOn(disk)
        assert.deepStrictEqual(yield* jobsIn(disk), ids.toSorted())
        yield* rewrite(link)
        assert.deepStrictEqual(yield* jobsIn(disk), ids.toSorted())
      })
    )
  )

  it.effect(
    "a copy of the jobs of a node that does not record takes no place of a file that is recorded to since",
    () =>
      withDisk((disk, link) =>
        Effect.gen(function* () {
          yield* say(link, "CONFIG", "SET", "appendonly", "no")
          const ids = [yield* add(link, "before")]
          const { open, reached } = barrier(disk, ({ does, path }) => does === "write" && path === temporary)
          yield* say(link, "BGREWRITEAOF")
          yield* reached
          assert.strictEqual(yield* say(link, "CONFIG", "SET", "appendonly", "yes"), "OK")
          ids.push(yield* add(link, "recorded"))
          yield* open
          yield* untilTold(link, "aof_rewrite_in_progress:0")
          ids.push(yield* add(link, "recorded too"))
          assertGoesOn(disk)
          assert.deepStrictEqual(yield* jobsIn(disk), ids.toSorted())
        })
      )
  )

  for (const appendfsync of ["always", "everysec", "no"] as const) {
    const waits = appendfsync === "always"
    it.effect(`what follows ${waits ? "waits" : "does not wait"} for a sync of the new name: ${appendfsync}`, () =>
      withDisk(
        (disk, link) =>
          Effect.gen(function* () {
            yield* add(link, "before")
            let isMoved = false
            const { open, reached } = barrier(disk, ({ does, path }) => {
              if (does === "rename") isMoved = true
              return isMoved && does === "sync" && path === "/data"
            })
            yield* rewrite(link)
            if (waits) yield* reached
            const added = yield* Effect.fork(add(link, "after"))
            for (let turn = 0; turn < 20; turn++) yield* TestClock.adjust(0)
            const isWaiting = added.unsafePoll() === null
            yield* open
            assert.match(yield* Fiber.join(added), /^D-/)
            assert.strictEqual(isWaiting, waits)
          }),
        appendfsync
      )
    )
  }

  it.effect("a node that does not record writes a copy of its jobs", () =>
    withDisk((disk, link) =>
      Effect.gen(function* () {
        yield* say(link, "CONFIG", "SET", "appendonly", "no")
        const ids = [yield* add(link, "one"), yield* add(link, "other")]
        yield* rewrite(link)
        assert.deepStrictEqual(disk.open, [])
        assert.deepStrictEqual(yield* jobsIn(disk), ids.toSorted())
      })
    )
  )

  it.effect("DEBUG LOADAOF loses no job", () =>
    withDisk((disk, link) =>
      Effect.gen(function* () {
        const ids = [yield* add(link, "one"), yield* add(link, "other")]
        const { open, reached } = barrier(disk, ({ does, path }) => does === "open" && path === temporary)
        yield* say(link, "BGREWRITEAOF")
        yield* reached
        assert.strictEqual(yield* say(yield* dial(1), "DEBUG", "LOADAOF"), "OK")
        yield* open
        yield* untilTold(link, "aof_rewrite_in_progress:0")
        assertGoesOn(disk)
        assert.deepStrictEqual(yield* jobsIn(disk), ids.toSorted())
        assert.isArray(yield* say(link, "SHOW", ids[1] ?? ""))
      })
    )
  )

  it.effect("a node can be killed at each call of the rewrite: it is restarted with all jobs, and goes on", () =>
    Effect.gen(function* () {
      for (let call = 1, isStopped = true; isStopped; call++) {
        yield* withDisk((disk, link) =>
          Effect.gen(function* () {
            const disque = yield* EmbeddedDisque
            const [node] = disque.nodes
            const ids = [yield* add(link, "one"), yield* add(link, "other")]
            let left = call
            const { open, reached } = barrier(disk, () => --left === 0)
            yield* say(link, "BGREWRITEAOF")
            const ended = Effect.as(untilTold(link, "aof_rewrite_in_progress:0"), false)
            isStopped = yield* Effect.raceFirst(Effect.as(reached, true), ended)
            yield* disque.kill(node)
            const restarting = yield* Effect.fork(disque.restart(node))
            yield* TestClock.adjust(0)
            yield* open
            yield* Fiber.join(restarting)
            const again = yield* dial(1)
            yield* untilTold(again, "aof_rewrite_in_progress:0")
            assertGoesOn(disk)
            ids.push(yield* add(again, "later"))
            yield* rewrite(again)
            assert.include(yield* persistence(again), "aof_last_bgrewrite_status:ok", `call ${call}`)
            assertGoesOn(disk)
            assert.deepStrictEqual(yield* jobsIn(disk), ids.toSorted(), `call ${call}`)
          })
        )
      }
    })
  )
})

describe("a file that grows", () => {
  it.effect("is rewritten by itself under load, as the parameters say, and holds what it must", () =>
    withDisk((disk, link) =>
      Effect.gen(function* () {
        yield* say(link, "CONFIG", "SET", "auto-aof-rewrite-min-size", "20000")
        yield* say(link, "CONFIG", "SET", "auto-aof-rewrite-percentage", "50")
        let rewrites = 0
        let largest = 0
        disk.fate = ({ does, path }) => {
          if (does === "rename" && path === temporary) rewrites++
          largest = Math.max(largest, disk.bytes(aof)?.length ?? 0)
          return undefined
        }
        const kept: Array<string> = []
        for (let round = 0; round < 60; round++) {
          const ids = yield* Effect.replicateEffect(add(link, "x".repeat(100)), 20, { concurrency: "unbounded" })
          kept.push(...ids.splice(0, 2))
          assert.strictEqual(yield* say(link, "ACKJOB", ...ids), 18)
        }
        yield* untilTold(link, "aof_rewrite_in_progress:0")
        assert.isAbove(rewrites, 3)
        // 60 rounds of 20 jobs would be 400 kB.
        assert.isBelow(largest, 100_000)
        assert.deepStrictEqual(yield* jobsIn(disk), kept.toSorted())
      })
    )
  )

  it.live("is rewritten while records come without a pause", () =>
    Effect.gen(function* () {
      const dir = yield* temporaryFolder
      yield* onDisk({ dir, appendfsync: "no" }, (link) =>
        Effect.gen(function* () {
          const links = yield* Effect.replicateEffect(dial(1), 6)
          // They begin one after another: records of some are written while others add theirs.
          const load = Effect.forEach(links, (each, i) => Effect.delay(Effect.forever(add(each, "x")), i), {
            concurrency: "unbounded"
          })
          const told = Effect.repeat(Effect.delay(persistence(link), 10), {
            until: (text) => text.includes("aof_rewrite_in_progress:0")
          })
          const rewrites = Effect.replicateEffect(
            Effect.zipRight(Effect.delay(say(link, "BGREWRITEAOF"), 50), told),
            10
          )
          yield* Effect.raceFirst(Effect.timeout(rewrites, "20 seconds"), Effect.zipRight(load, Effect.never))
          assert.include(yield* persistence(link), "aof_last_bgrewrite_status:ok")
        })
      )
    }).pipe(Effect.scoped, Effect.provide(files))
  )

  it.effect("is left as it is with a percentage of 0", () =>
    withDisk((disk, link) =>
      Effect.gen(function* () {
        yield* say(link, "CONFIG", "SET", "auto-aof-rewrite-min-size", "1")
        yield* say(link, "CONFIG", "SET", "auto-aof-rewrite-percentage", "0")
        const before = disk.open
        for (let i = 0; i < 50; i++) yield* say(link, "ACKJOB", yield* add(link, "x"))
        assert.include(yield* persistence(link), "aof_last_rewrite_time_sec:-1")
        assert.deepStrictEqual(disk.open, before)
      })
    )
  )
})

describe("files are closed", () => {
  it.effect("if the start of a node is interrupted, at each of its calls", () =>
    Effect.gen(function* () {
      const first = new MemoryDisk()
      const added = yield* onDisk({ dir: "/data" }, (link) => Effect.all([add(link, "one"), add(link, "other")])).pipe(
        Effect.provide(filesOn(first))
      )
      for (let number = 1, isStopped = true; isStopped; number++) {
        const disk = first.afterKill()
        let left = number
        const { open, reached } = barrier(disk, () => --left === 0)
        const starting = yield* onDisk({ dir: "/data" }, () => Effect.void).pipe(
          Effect.provide(filesOn(disk)),
          Effect.fork
        )
        isStopped = yield* Effect.raceFirst(Effect.as(reached, true), Effect.as(Fiber.await(starting), false))
        const interrupting = yield* Effect.fork(Fiber.interrupt(starting))
        yield* TestClock.adjust(0)
        yield* open
        yield* Fiber.join(interrupting)
        assert.deepStrictEqual(disk.open, [], `call ${number}`)
        assert.notInclude(disk.list("/data"), "disque.lock", `call ${number}`)
        assert.deepStrictEqual(yield* idsIn("/data", disk), added.toSorted(), `call ${number}`)
      }
    })
  )
})
