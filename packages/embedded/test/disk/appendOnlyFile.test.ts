import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AppendOnlyFile } from "../../src/index.js"
import { say, text } from "../utils/ask.js"
import { files, onDisk, temporaryFolder } from "../utils/disk.js"
import { faultyFiles, noFaults } from "../utils/faultyFiles.js"

/** The length of a record of LOADJOB with a queue of 1 byte and a body of 4, and of one of DELJOB. */
const loadLength = 154
const delLength = 63

/** A file with five jobs, of which the second is deleted: LOADJOB × 5, DELJOB. */
const fiveJobs = (dir: string) =>
  Effect.gen(function* () {
    const ids: Array<string> = []
    const bytes = yield* onDisk({ dir }, (link) =>
      Effect.gen(function* () {
        for (let i = 0; i < 5; i++) ids.push(yield* text(link, "ADDJOB", "q", `job${i}`, "0"))
        yield* say(link, "DELJOB", ids[1] ?? "")
        return readFileSync(`${dir}/disque.aof`)
      })
    )
    return { bytes, ids, file: `${dir}/disque.aof` }
  })

type Files = Effect.Effect.Success<ReturnType<typeof fiveJobs>>

const withFile = <A, E>(
  use: (made: Files & { readonly dir: string }) => Effect.Effect<A, E, FileSystem.FileSystem | Path.Path>
) =>
  Effect.scoped(
    Effect.flatMap(temporaryFolder, (dir) => Effect.flatMap(fiveJobs(dir), (made) => use({ ...made, dir })))
  ).pipe(Effect.provide(files))

/** The ids of the jobs that a node has after it started on the folder. */
const idsIn = (dir: string) =>
  onDisk({ dir }, (link) =>
    Effect.map(say(link, "JSCAN", "0", "COUNT", "1000"), (all) => (all as [string, Array<string>])[1].sort())
  )

const names = (dir: string) =>
  readdirSync(dir)
    .filter((name) => name.startsWith("disque.aof"))
    .sort()

describe("checking an append-only file", () => {
  it.effect("tells how many records and live jobs a whole file has", () =>
    withFile(({ bytes, file }) =>
      Effect.gen(function* () {
        writeFileSync(file, bytes)
        assert.strictEqual(bytes.length, 5 * loadLength + delLength)
        assert.deepStrictEqual(yield* AppendOnlyFile.check(file), {
          bytes: bytes.length,
          added: 5,
          deleted: 1,
          live: 4,
          damaged: [],
          after: 0,
          torn: undefined
        })
      })
    )
  )

  it.effect("takes a file cut at any byte for whole, or for one with a torn tail", () =>
    withFile(({ bytes, file }) =>
      Effect.gen(function* () {
        const ends = [0, 1, 2, 3, 4, 5].map((n) => n * loadLength).concat(bytes.length)
        for (let length = 0; length <= bytes.length; length++) {
          writeFileSync(file, bytes.subarray(0, length))
          const { damaged, torn } = yield* AppendOnlyFile.check(file)
          const whole = Math.max(...ends.filter((end) => end <= length))
          assert.deepStrictEqual(damaged, [])
          assert.deepStrictEqual(torn, whole === length ? undefined : { offset: whole, length: length - whole })
        }
      })
    )
  )

  it.effect("finds a changed byte in any part of a record but texts, and reads all other records", () =>
    withFile(({ bytes, file }) =>
      Effect.gen(function* () {
        const start = 2 * loadLength
        // The command and its lengths, the announced length, the id, the length of the queue and of the body, the holders, the end.
        const places = [...Array(27).keys(), 27, 28, 37, 62, 98, 103, 111, loadLength - 2, loadLength - 1]
        for (const place of places) {
          const damaged = Buffer.from(bytes)
          damaged[start + place] = 0xff
          writeFileSync(file, damaged)
          const report = yield* AppendOnlyFile.check(file)
          assert.deepStrictEqual(
            report.damaged.map(({ length, offset }) => ({ length, offset })),
            [{ offset: start, length: loadLength }],
            `byte ${place}`
          )
          assert.deepStrictEqual([report.added, report.deleted, report.after, report.live], [4, 1, 3, 3])
        }
      })
    )
  )

  it.effect("finds bytes left out, put in and zeroed, at the start, in the middle and at the end", () =>
    withFile(({ bytes, file }) =>
      Effect.gen(function* () {
        const junk = Buffer.alloc(50)
        for (const at of [0, 1, 20, loadLength, loadLength + 70, bytes.length - 5, bytes.length]) {
          const before = bytes.subarray(0, at)
          const versions = {
            "left out": Buffer.concat([before, bytes.subarray(at + 7)]),
            "put in": Buffer.concat([before, junk, bytes.subarray(at)]),
            zeroed: Buffer.concat([before, junk, bytes.subarray(at + 50)])
          }
          for (const [name, version] of Object.entries(versions)) {
            writeFileSync(file, version)
            const { added, damaged, deleted, torn } = yield* AppendOnlyFile.check(file)
            const readable = added * loadLength + deleted * delLength
            const unreadable = damaged.reduce((sum, { length }) => sum + length, torn?.length ?? 0)
            assert.strictEqual(readable + unreadable, version.length, `${name} at ${at}`)
            assert.isAtLeast(added + deleted, 4, `${name} at ${at}`)
            if (name !== "left out") assert.isAtLeast(damaged.length, 1, `${name} at ${at}`)
          }
        }
      })
    )
  )

  it.effect("finds a wrong length that would take the rest of the file for one record", () =>
    withFile(({ bytes, file }) =>
      Effect.gen(function* () {
        const huge = Buffer.concat([
          bytes.subarray(0, loadLength),
          Buffer.from("*2\r\n$7\r\nLOADJOB\r\n$999999\r\n"),
          bytes.subarray(loadLength + 23)
        ])
        writeFileSync(file, huge)
        const { added, damaged, deleted, torn } = yield* AppendOnlyFile.check(file)
        assert.deepStrictEqual({ added, deleted, torn }, { added: 4, deleted: 1, torn: undefined })
        assert.match(damaged[0]?.reason ?? "", /^a job of 999995 bytes announces \d+$/)
      })
    )
  )

  it.effect("reads a file of many chunks, damaged on their borders", () =>
    withFile(({ bytes, file }) =>
      Effect.gen(function* () {
        const copies = 5000
        const many = Buffer.concat(Array(copies).fill(bytes))
        for (const border of [256 * 1024, 512 * 1024]) many[border] = many[border - 1] = 0xff
        writeFileSync(file, many)
        const { added, damaged, deleted } = yield* AppendOnlyFile.check(file)
        assert.isAtMost(damaged.length, 2)
        assert.isAtLeast(added + deleted, copies * 6 - 4)
      })
    )
  )

  it.effect("says in one line what is wrong with a path", () =>
    withFile(({ dir }) =>
      Effect.gen(function* () {
        const missing = yield* Effect.flip(AppendOnlyFile.check(`${dir}/missing`))
        assert.strictEqual(missing.message, `${dir}/missing: cannot read the file: No such file or directory`)
        const folder = yield* Effect.flip(AppendOnlyFile.check(dir))
        assert.strictEqual(folder.message, `${dir}: it is a folder: name the file in it, disque.aof`)
      })
    )
  )
})

describe("fixing an append-only file", () => {
  it.effect("leaves out what is damaged, keeps all other records and the file as it was", () =>
    withFile(({ bytes, dir, file, ids }) =>
      Effect.gen(function* () {
        const damaged = Buffer.from(bytes)
        damaged.fill(0, 2 * loadLength + 30, 2 * loadLength + 60)
        writeFileSync(file, damaged, { mode: 0o600 })
        const before = statSync(file).mode
        const { copy, found } = yield* AppendOnlyFile.fix(file)
        assert.strictEqual(found.damaged.length, 1)
        assert.strictEqual(copy, `${file}.bak`)
        assert.deepStrictEqual(readFileSync(`${file}.bak`), damaged)
        assert.deepStrictEqual(
          readFileSync(file),
          Buffer.concat([bytes.subarray(0, 2 * loadLength), bytes.subarray(3 * loadLength)])
        )
        assert.strictEqual(statSync(file).mode, before)
        assert.deepStrictEqual(names(dir), ["disque.aof", "disque.aof.bak"])
        assert.deepStrictEqual(yield* idsIn(dir), [0, 3, 4].map((i) => ids[i] ?? "").sort())
      })
    )
  )

  it.effect("cuts a torn tail off", () =>
    withFile(({ bytes, file }) =>
      Effect.gen(function* () {
        writeFileSync(file, bytes.subarray(0, loadLength + 10))
        const { copy } = yield* AppendOnlyFile.fix(file)
        assert.strictEqual(copy, `${file}.bak`)
        assert.deepStrictEqual(readFileSync(file), bytes.subarray(0, loadLength))
      })
    )
  )

  it.effect("never writes over a copy", () =>
    withFile(({ bytes, dir, file }) =>
      Effect.gen(function* () {
        for (const expected of ["disque.aof.bak", "disque.aof.bak-1", "disque.aof.bak-2"]) {
          writeFileSync(file, bytes.subarray(0, bytes.length - 1))
          assert.strictEqual((yield* AppendOnlyFile.fix(file)).copy, `${dir}/${expected}`)
          assert.deepStrictEqual(readFileSync(`${dir}/${expected}`), bytes.subarray(0, bytes.length - 1))
        }
      })
    )
  )

  it.effect("leaves a whole file as it is", () =>
    withFile(({ bytes, dir, file }) =>
      Effect.gen(function* () {
        writeFileSync(file, bytes)
        const { ino } = statSync(file)
        assert.isUndefined((yield* AppendOnlyFile.fix(file)).copy)
        assert.strictEqual(statSync(file).ino, ino)
        assert.deepStrictEqual(names(dir), ["disque.aof"])
      })
    )
  )

  it.effect("refuses a file that has no record at all", () =>
    withFile(({ dir, file }) =>
      Effect.gen(function* () {
        writeFileSync(file, "this is a diary\n")
        const error = yield* Effect.flip(AppendOnlyFile.fix(file))
        assert.deepStrictEqual([error.reason, error.offset], ["Damaged", 0])
        assert.strictEqual(readFileSync(file, "utf8"), "this is a diary\n")
        assert.deepStrictEqual(names(dir), ["disque.aof"])
      })
    )
  )

  it.effect("refuses a folder that a node has in use", () =>
    withFile(({ dir, file }) =>
      onDisk({ dir }, () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(AppendOnlyFile.fix(file))
          assert.deepStrictEqual([error.reason, error.pid], ["Locked", process.pid])
        })
      )
    )
  )

  for (const code of ["ENOSPC", "EIO"]) {
    it.effect(`changes nothing if the system refuses to write (${code})`, () =>
      withFile(({ bytes, dir, file }) =>
        Effect.gen(function* () {
          const damaged = bytes.subarray(0, bytes.length - 1)
          writeFileSync(file, damaged)
          const faults = noFaults()
          let writes = 0
          // The first write is that of the lock.
          faults.write = () => (writes++ === 0 ? undefined : { written: 20, code })
          const error = yield* Effect.flip(AppendOnlyFile.fix(file)).pipe(
            Effect.provide(Layer.provideMerge(faultyFiles(faults), files))
          )
          assert.strictEqual(error.reason, "Unavailable")
          assert.deepStrictEqual(readFileSync(file), damaged)
          assert.deepStrictEqual(names(dir), ["disque.aof"])
        })
      )
    )
  }
})
