import type { DisqueLink } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { VirtualTime } from "../../src/index.js"
import { say, text } from "../utils/ask.js"
import { filesOn, onDisk } from "../utils/disk.js"
import { type Call, MemoryDisk } from "../utils/memoryDisk.js"

const aof = "/data/disque.aof"
const isWrite = ({ does, path }: Call) => does === "write" && path === aof
const isSync = ({ does, path }: Call) => does === "sync" && path === aof

/** Runs a test with a disk whose calls of a kind take some ms. */
const slow = <A, E>(
  appendfsync: "always" | "everysec" | "no",
  use: (node: {
    readonly link: DisqueLink
    /** Makes calls slow. Gives an effect that waits for the first of them to begin. */
    readonly takes: (millis: number, isIt: (call: Call) => boolean) => Effect.Effect<void>
    readonly add: Effect.Effect<string>
  }) => Effect.Effect<A, E>
) =>
  Effect.suspend(() => {
    const disk = new MemoryDisk()
    return onDisk({ dir: "/data", appendfsync, config: { "latency-monitor-threshold": "100" } }, (link) =>
      Effect.zipRight(
        TestClock.adjust("10 seconds"),
        use({
          link,
          takes: (millis, isIt) => {
            const begun = Effect.unsafeMakeLatch()
            disk.fate = (call) => (isIt(call) ? Effect.zipRight(begun.open, Effect.sleep(millis)) : undefined)
            return begun.await
          },
          add: Effect.orDie(text(link, "ADDJOB", "q", "x", "0"))
        })
      ).pipe(
        // Nobody moves the clock at the end: what is slow ends before.
        Effect.ensuring(
          Effect.suspend(() => {
            disk.fate = () => undefined
            return VirtualTime.run(Effect.sleep("10 seconds"))
          })
        )
      )
    ).pipe(Effect.provide(filesOn(disk)))
  })

/** Waits until the node says something of its files, while no time passes. */
const untilTold = (link: DisqueLink, words: string) =>
  Effect.gen(function* () {
    while (!(yield* text(link, "INFO", "persistence")).includes(words)) yield* TestClock.adjust(0)
  })

/** Waits until a rewrite has ended, while time passes. */
const rewritten = (link: DisqueLink) =>
  Effect.gen(function* () {
    while (!(yield* text(link, "INFO", "persistence")).includes("aof_rewrite_in_progress:0")) yield* Effect.sleep(10)
  }).pipe(VirtualTime.run)

/** The events of LATENCY LATEST, with the ms of each. */
const latest = (link: DisqueLink) =>
  Effect.map(say(link, "LATENCY", "LATEST"), (events) =>
    Object.fromEntries(
      (events as ReadonlyArray<[string, number, number, number]>).map(([name, , millis]) => [name, millis])
    )
  )

describe("LATENCY tells of a disk, by the names of a server,", () => {
  it.effect("that is slow to sync before an answer", () =>
    slow("always", ({ add, link, takes }) =>
      Effect.gen(function* () {
        takes(150, isSync)
        yield* VirtualTime.run(add)
        assert.deepStrictEqual(yield* latest(link), { "aof-fsync-always": 150 })
      })
    )
  )

  it.effect("that is slow to write", () =>
    slow("everysec", ({ add, link, takes }) =>
      Effect.gen(function* () {
        takes(250, isWrite)
        yield* VirtualTime.run(add)
        assert.deepStrictEqual(yield* latest(link), { "aof-write-alone": 250, "aof-write": 250 })
      })
    )
  )

  it.effect("that is slow to write while it syncs", () =>
    slow("everysec", ({ add, link, takes }) =>
      Effect.gen(function* () {
        yield* add
        takes(300, (call) => isWrite(call) || isSync(call))
        yield* TestClock.adjust("1 second")
        yield* untilTold(link, "aof_pending_bio_fsync:1")
        yield* VirtualTime.run(add)
        assert.deepStrictEqual(yield* latest(link), { "aof-write-pending-fsync": 300, "aof-write": 300 })
      })
    )
  )

  it.effect("that is slow to write while the file is rewritten", () =>
    slow("no", ({ add, link, takes }) =>
      Effect.gen(function* () {
        yield* add
        takes(200, (call) => isWrite(call) || (call.does === "sync" && call.path !== aof))
        yield* say(link, "BGREWRITEAOF")
        yield* VirtualTime.run(add)
        assert.deepStrictEqual(yield* latest(link), { "aof-write-active-child": 200, "aof-write": 200 })
        yield* rewritten(link)
      })
    )
  )

  it.effect("that is slow to swap the files of a rewrite", () =>
    slow("no", ({ add, link, takes }) =>
      Effect.gen(function* () {
        yield* add
        takes(120, ({ does }) => does === "rename")
        yield* say(link, "BGREWRITEAOF")
        yield* rewritten(link)
        assert.deepStrictEqual(yield* latest(link), { "aof-rename": 120 })
      })
    )
  )

  it.effect("that is slow to copy what was recorded during a rewrite", () =>
    slow("no", ({ add, link, takes }) =>
      Effect.gen(function* () {
        yield* add
        const begun = takes(
          130,
          ({ does, path }) => (does === "write" && path !== aof) || (does === "read" && path === aof)
        )
        yield* say(link, "BGREWRITEAOF")
        yield* begun
        yield* add
        yield* rewritten(link)
        const { "aof-rewrite-diff-write": millis, ...others } = yield* latest(link)
        assert.strictEqual(millis, 260)
        assert.deepStrictEqual(others, {})
      })
    )
  )
})

describe("INFO persistence", () => {
  const persistence = (link: DisqueLink) =>
    Effect.map(text(link, "INFO", "persistence"), (info) =>
      Object.fromEntries(info.split("\r\n").map((line) => line.split(":")))
    )

  it.effect("counts the writes that a long sync delays, until CONFIG RESETSTAT", () =>
    slow("everysec", ({ add, link, takes }) =>
      Effect.gen(function* () {
        yield* add
        takes(5000, isSync)
        yield* TestClock.adjust("1 second")
        yield* untilTold(link, "aof_pending_bio_fsync:1")
        yield* add
        assert.deepInclude(yield* persistence(link), { aof_pending_bio_fsync: "1", aof_delayed_fsync: "0" })
        yield* TestClock.adjust("2 seconds")
        yield* add
        yield* add
        assert.deepInclude(yield* persistence(link), { aof_pending_bio_fsync: "1", aof_delayed_fsync: "1" })
        yield* TestClock.adjust("2 seconds")
        yield* add
        assert.deepInclude(yield* persistence(link), { aof_delayed_fsync: "2" })
        takes(0, () => false)
        yield* TestClock.adjust("5 seconds")
        yield* untilTold(link, "aof_pending_bio_fsync:0")
        assert.deepInclude(yield* persistence(link), { aof_pending_bio_fsync: "0", aof_delayed_fsync: "2" })
        yield* say(link, "CONFIG", "RESETSTAT")
        assert.deepInclude(yield* persistence(link), { aof_delayed_fsync: "0" })
      })
    )
  )

  it.effect("tells how much of what was recorded meanwhile a rewrite has to copy yet", () =>
    slow("no", ({ add, link, takes }) =>
      Effect.gen(function* () {
        yield* add
        const { aof_current_size: before } = yield* persistence(link)
        const begun = takes(100, ({ does, path }) => does === "write" && path !== aof)
        yield* say(link, "BGREWRITEAOF")
        yield* begun
        yield* add
        const { aof_current_size: size, aof_rewrite_buffer_length: length } = yield* persistence(link)
        assert.strictEqual(Number(length), Number(size) - Number(before))
        yield* rewritten(link)
        assert.deepInclude(yield* persistence(link), { aof_rewrite_in_progress: "0", aof_rewrite_buffer_length: "0" })
      })
    )
  )
})
