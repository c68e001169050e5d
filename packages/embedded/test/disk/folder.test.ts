import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { EmbeddedDisque } from "../../src/index.js"
import { dial, say, text } from "../utils/ask.js"
import { filesOn, onDisk } from "../utils/disk.js"
import { MemoryDisk } from "../utils/memoryDisk.js"

const lock = "/data/disque.lock"

const folder = () => {
  const disk = new MemoryDisk()
  disk.makeFolder("/data")
  return disk
}

/** What the system tells of a process that began at a time. */
const putProcess = (disk: MemoryDisk, pid: number, start: string) => {
  disk.makeFolder(`/proc/${pid}`)
  disk.put(`/proc/${pid}/stat`, `${pid} (a (strange) name) S ${"0 ".repeat(18)}${start} 0 0\n`)
}

/** Another process that runs. */
const other = process.ppid

/** No process has this number. */
const nobody = 999_999_999

const text8 = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("utf8")

const starts = (disk: MemoryDisk) =>
  onDisk({ dir: "/data" }, (link) => Effect.as(text(link, "ADDJOB", "q", "x", "0"), text8(disk.bytes(lock)))).pipe(
    Effect.provide(filesOn(disk))
  )

describe("a lock", () => {
  for (const [whose, content] of Object.entries({
    "of a process that is dead": `${nobody} 12345\n`,
    "of a process that is dead, without its start": `${nobody}\n`,
    "that an earlier run of a process of this number left": `${process.pid} 1\n`,
    "that is empty": "",
    "that is garbage": "\u0000\u0000locked by me\n",
    "that is cut off": `${other}`
  })) {
    it.effect(`${whose} is no obstacle, and is replaced by that of this process`, () =>
      Effect.gen(function* () {
        const disk = folder()
        disk.put(lock, content)
        assert.strictEqual(yield* starts(disk), `${process.pid}\n`)
        assert.deepStrictEqual(disk.list("/data"), ["disque.aof", "nodes.conf"])
      })
    )
  }

  it.effect("of a process whose number another one has now is no obstacle", () =>
    Effect.gen(function* () {
      const disk = folder()
      putProcess(disk, other, "777")
      disk.put(lock, `${other} 555\n`)
      assert.strictEqual(yield* starts(disk), `${process.pid}\n`)
    })
  )

  for (const [how, content, isKnown] of [
    ["that runs", `${other} 777\n`, true],
    ["that runs, where the system does not tell when it began", `${other} 777\n`, false],
    ["that runs, and did not know when it began", `${other}\n`, true]
  ] as const) {
    it.effect(`of a process ${how} is respected, and left as it is`, () =>
      Effect.gen(function* () {
        const disk = folder()
        if (isKnown) putProcess(disk, other, "777")
        disk.put(lock, content)
        const error = yield* Effect.flip(starts(disk))
        assert.deepInclude(error, { _tag: "StorageError", reason: "Locked", pid: other, path: "/data" })
        assert.include(String(error), `in use by process ${other}`)
        assert.strictEqual(text8(disk.bytes(lock)), content)
        assert.deepStrictEqual(disk.list("/data"), ["disque.lock"])
      })
    )
  }

  it.effect("is never seen without the process that made it", () =>
    Effect.gen(function* () {
      const disk = folder()
      const seen = new Set<string>()
      disk.fate = () => {
        const bytes = disk.bytes(lock)
        if (bytes !== undefined) seen.add(text8(bytes))
        return undefined
      }
      yield* starts(disk)
      assert.deepStrictEqual([...seen], [`${process.pid}\n`])
    })
  )

  it.effect("is made where files can have one name alone, too", () =>
    Effect.gen(function* () {
      const disk = folder()
      disk.fate = ({ does }) => (does === "link" ? "EPERM" : undefined)
      assert.strictEqual(yield* starts(disk), `${process.pid}\n`)
      assert.deepStrictEqual(disk.list("/data"), ["disque.aof", "nodes.conf"])
    })
  )
})

describe("a folder that cannot be written", () => {
  for (const [what, path, code, words] of [
    ["at all", lock, "EROFS", "/data: cannot use the folder: Read-only file system"],
    ["for want of rights", lock, "EACCES", "/data: cannot use the folder: Permission denied"],
    [
      "for the id of the node",
      "/data/nodes.conf.tmp",
      "ENOSPC",
      "/data/nodes.conf: cannot write the file: No space left on device"
    ],
    [
      "for the file of the jobs",
      "/data/disque.aof",
      "EROFS",
      "/data/disque.aof: cannot write the file: Read-only file system"
    ]
  ] as const) {
    it.effect(`${what} is refused at the start, with the reason`, () =>
      Effect.gen(function* () {
        const disk = folder()
        disk.fate = (call) => (call.does === "open" && call.path.startsWith(path) ? code : undefined)
        const error = yield* Effect.flip(starts(disk))
        assert.deepInclude(error, { _tag: "StorageError", reason: "Unavailable" })
        assert.strictEqual((error as Error).message, words)
        assert.deepStrictEqual(disk.open, [])
        assert.notInclude(disk.list("/data"), "disque.lock")
        disk.fate = () => undefined
        yield* starts(disk)
      })
    )
  }
})

const idIn = (disk: MemoryDisk, path = "/data") => text8(disk.bytes(`${path}/nodes.conf`)).slice(0, 40)

describe("the id of a node", () => {
  it.effect("is in nodes.conf before CLUSTER RESET HARD, which changes it, is answered", () =>
    Effect.gen(function* () {
      const disk = folder()
      const id = yield* onDisk({ dir: "/data", appendfsync: "always" }, (link) =>
        Effect.gen(function* () {
          const before = idIn(disk)
          yield* say(link, "ADDJOB", "q", "gone", "0")
          const latch = Effect.unsafeMakeLatch()
          disk.fate = ({ does, path }) => (does === "rename" && path.includes("nodes") ? latch.await : undefined)
          const reset = yield* Effect.fork(say(link, "CLUSTER", "RESET", "HARD"))
          yield* TestClock.adjust("1 second")
          assert.isNull(yield* Fiber.poll(reset).pipe(Effect.map((exit) => (exit._tag === "None" ? null : exit.value))))
          yield* latch.open
          assert.strictEqual(yield* Fiber.join(reset), "OK")
          const id = yield* text(link, "CLUSTER", "MYID")
          assert.notStrictEqual(id, before)
          assert.strictEqual(idIn(disk), id)
          return id
        })
      ).pipe(Effect.provide(filesOn(disk)))
      yield* onDisk({ dir: "/data" }, (link) =>
        Effect.gen(function* () {
          assert.strictEqual(yield* text(link, "CLUSTER", "MYID"), id)
          assert.strictEqual((yield* text(link, "ADDJOB", "q", "x", "0")).slice(2, 10), id.slice(0, 8))
          assert.strictEqual(yield* say(link, "QLEN", "q"), 1)
        })
      ).pipe(Effect.provide(filesOn(disk)))
    })
  )

  it.effect("that cannot be kept is told as an error", () =>
    Effect.gen(function* () {
      const disk = folder()
      yield* onDisk({ dir: "/data" }, (link) =>
        Effect.gen(function* () {
          const before = idIn(disk)
          disk.fate = ({ does, path }) => (does === "write" && path.includes("nodes") ? "ENOSPC" : undefined)
          assert.match(
            yield* text(link, "CLUSTER", "RESET", "HARD"),
            /^Error: ERR The new id of the node cannot be kept/
          )
          assert.strictEqual(idIn(disk), before)
          disk.fate = () => undefined
          assert.strictEqual(yield* say(link, "CLUSTER", "RESET", "HARD"), "OK")
          assert.strictEqual(idIn(disk), yield* text(link, "CLUSTER", "MYID"))
        })
      ).pipe(Effect.provide(filesOn(disk)))
    })
  )

  it.effect("is the last one, if it is changed many times at once", () =>
    Effect.gen(function* () {
      const disk = folder()
      yield* onDisk({ dir: "/data" }, () =>
        Effect.gen(function* () {
          const reset = Effect.flatMap(dial(1), (link) => say(link, "CLUSTER", "RESET", "HARD"))
          const replies = yield* Effect.replicateEffect(reset, 10, { concurrency: "unbounded" })
          assert.deepStrictEqual(new Set(replies), new Set(["OK"]))
          assert.strictEqual(idIn(disk), yield* text(yield* dial(1), "CLUSTER", "MYID"))
        })
      ).pipe(Effect.provide(filesOn(disk)))
    })
  )

  it.effect("that two folders have is refused: one is a copy of the other", () =>
    Effect.gen(function* () {
      const disk = folder()
      const options = { dir: "/data", nodes: 2 }
      yield* onDisk(options, () => Effect.void).pipe(Effect.provide(filesOn(disk)))
      disk.put("/data/7712/nodes.conf", disk.bytes("/data/7711/nodes.conf") ?? "")
      const error = yield* Effect.flip(onDisk(options, () => Effect.void).pipe(Effect.provide(filesOn(disk))))
      assert.deepInclude(error, { reason: "Damaged", path: "/data/7712" })
      assert.include(String(error), "the folder is a copy of /data/7711")
    })
  )
})

describe("two nodes of one process", () => {
  const run = <A, E>(
    disk: MemoryDisk,
    use: Effect.Effect<A, E, EmbeddedDisque | Effect.Effect.Context<ReturnType<typeof dial>>>
  ) => onDisk({ dir: "/data", nodes: 2 }, () => use).pipe(Effect.provide(filesOn(disk)))

  it.effect("have a folder each, with their own ids and their own jobs, and both have them after a restart", () =>
    Effect.gen(function* () {
      const disk = folder()
      const added = yield* run(
        disk,
        Effect.forEach([1, 2], (number) =>
          Effect.flatMap(dial(number), (link) => text(link, "ADDJOB", "q", `of ${number}`, "0", "REPLICATE", "1"))
        )
      )
      for (const port of ["7711", "7712"]) {
        assert.deepStrictEqual(disk.list(`/data/${port}`), ["disque.aof", "nodes.conf"])
      }
      const ids = [idIn(disk, "/data/7711"), idIn(disk, "/data/7712")]
      assert.notStrictEqual(ids[0], ids[1])
      yield* run(
        disk,
        Effect.gen(function* () {
          const { nodes } = yield* EmbeddedDisque
          assert.deepStrictEqual(
            nodes.map(({ id }) => id),
            ids
          )
          for (const number of [1, 2]) {
            assert.deepStrictEqual(yield* say(yield* dial(number), "GETJOB", "FROM", "q"), [
              ["q", added[number - 1], `of ${number}`]
            ])
          }
        })
      )
    })
  )

  it.effect("fail apart: where one disk is full, the other node goes on", () =>
    Effect.gen(function* () {
      const disk = folder()
      yield* run(
        disk,
        Effect.gen(function* () {
          disk.fate = ({ does, path }) => (does === "write" && path.startsWith("/data/7711") ? "ENOSPC" : undefined)
          assert.match(yield* text(yield* dial(1), "ADDJOB", "q", "x", "0", "REPLICATE", "1"), /^Error: MISCONF/)
          assert.match(yield* text(yield* dial(2), "ADDJOB", "q", "x", "0", "REPLICATE", "1"), /^D-/)
        })
      )
    })
  )
})
