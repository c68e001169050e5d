import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { setTimeout } from "node:timers/promises"
import type { DisqueLink } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { StorageError } from "../../src/index.js"
import { say, text } from "../utils/ask.js"
import { files, onDisk, temporaryFolder } from "../utils/disk.js"
import { type Faults, faultyFiles, noFaults } from "../utils/faultyFiles.js"

const misconf = (words: string) => `Error: MISCONF Errors writing to the AOF file: ${words}`

const withFaults = <A, E, R>(use: (faults: Faults, dir: string) => Effect.Effect<A, E, R>) => {
  const faults = noFaults()
  return Effect.scoped(
    Effect.flatMap(temporaryFolder, (dir) => use(faults, dir)).pipe(
      Effect.provide(Layer.provideMerge(faultyFiles(faults), files))
    )
  )
}

/** Waits until the node takes changes again: a second of the node later, once the file system has done its part. */
const untilMended = (link: DisqueLink) =>
  TestClock.adjust("1 second").pipe(
    Effect.zipRight(Effect.promise(() => setTimeout(1))),
    Effect.zipRight(say(link, "PING")),
    Effect.repeat({ until: (reply) => reply === "PONG" })
  )

/** The length of the record of the job that these tests add. */
const recordLength = 160

describe("a disk that does not take records", () => {
  for (const appendfsync of ["always", "everysec", "no"] as const) {
    it.effect(`refuses changes, reads on, and goes on by itself where records are synced: ${appendfsync}`, () =>
      withFaults((faults, dir) =>
        Effect.gen(function* () {
          yield* onDisk({ dir, appendfsync }, (link) =>
            Effect.gen(function* () {
              const kept = yield* text(link, "ADDJOB", "q", "kept", "0")
              faults.write = () => ({ written: 20, code: "ENOSPC" })
              const refused = misconf("No space left on device")
              assert.strictEqual(yield* say(link, "ADDJOB", "q", "refused", "0"), refused)
              assert.strictEqual(yield* say(link, "ADDJOB", "q", "refused too", "0"), refused)
              assert.strictEqual(yield* say(link, "ACKJOB", kept), refused)
              assert.strictEqual(yield* say(link, "PING"), refused)
              assert.strictEqual(yield* say(link, "QLEN", "q"), 1)
              assert.include(yield* text(link, "INFO", "persistence"), "aof_last_write_status:err")
              faults.write = undefined
              yield* untilMended(link)
              assert.match(yield* text(link, "ADDJOB", "q", "later", "0"), /^D-/)
              assert.include(yield* text(link, "INFO", "persistence"), "aof_last_write_status:ok")
            })
          )
          yield* onDisk({ dir }, (link) =>
            Effect.gen(function* () {
              const jobs = (yield* say(link, "GETJOB", "COUNT", "10", "FROM", "q")) as ReadonlyArray<
                ReadonlyArray<string>
              >
              assert.deepStrictEqual(
                jobs.map(([, , body]) => body),
                ["kept", "later"]
              )
            })
          )
        })
      )
    )
  }

  it.effect(
    "keeps what was answered, wherever in a record a write ends",
    () =>
      withFaults((faults, dir) =>
        Effect.gen(function* () {
          const ids: Array<string> = []
          yield* onDisk({ dir, appendfsync: "always" }, (link) =>
            Effect.gen(function* () {
              for (let written = 0; written <= recordLength; written++) {
                faults.write = () => ({ written, code: "EIO" })
                assert.strictEqual(yield* say(link, "ADDJOB", "q", "refused", "0"), misconf("Input/output error"))
                faults.write = undefined
                yield* untilMended(link)
                ids.push(yield* text(link, "ADDJOB", "q", "kept", "0"))
              }
            })
          )
          yield* onDisk({ dir }, (link) =>
            Effect.gen(function* () {
              assert.strictEqual(yield* say(link, "QLEN", "q"), ids.length)
              for (const id of ids) assert.isArray(yield* say(link, "SHOW", id))
            })
          )
        })
      ),
    60_000
  )

  it.effect("counts what was not synced as not written", () =>
    withFaults((faults, dir) =>
      Effect.gen(function* () {
        yield* onDisk({ dir, appendfsync: "always" }, (link) =>
          Effect.gen(function* () {
            yield* say(link, "ADDJOB", "q", "kept", "0")
            faults.sync = () => "EIO"
            assert.strictEqual(yield* say(link, "ADDJOB", "q", "refused", "0"), misconf("Input/output error"))
            assert.strictEqual(yield* say(link, "QLEN", "q"), 1)
            faults.sync = undefined
            yield* untilMended(link)
            yield* say(link, "ADDJOB", "q", "later", "0")
            // As a power cut would find the file.
            assert.strictEqual(readFileSync(`${dir}/disque.aof`, "latin1").match(/LOADJOB/g)?.length, 3)
          })
        )
      })
    )
  )

  it.live("holds up the end of the program for a second or two, if it does not answer at all", () =>
    withFaults((faults, dir) =>
      Effect.gen(function* () {
        const [took] = yield* Effect.timed(
          onDisk({ dir, appendfsync: "always" }, (link) =>
            Effect.gen(function* () {
              yield* say(link, "ADDJOB", "q", "kept", "0")
              faults.sync = () => "hang"
              const waits = yield* Effect.timeoutOption(say(link, "ADDJOB", "q", "never answered", "0"), 50)
              assert.isTrue(Option.isNone(waits))
            })
          )
        )
        assert.isBelow(Duration.toMillis(took), 4000)
        // The disk may still write: nobody else may do so before this process has ended.
        faults.sync = undefined
        assert.deepInclude(yield* Effect.flip(onDisk({ dir }, () => Effect.void)), { reason: "Locked" })
      })
    )
  )

  it.live("leaves a whole file if the program ends while the file is being swapped, and no other file", () =>
    withFaults((faults, dir) =>
      Effect.gen(function* () {
        yield* onDisk({ dir }, (link) => say(link, "ADDJOB", "q", "first", "0"))
        yield* onDisk({ dir }, (link) =>
          Effect.map(say(link, "ADDJOB", "q", "second", "0"), () => {
            // Longer than the end of the node waits for it.
            faults.rename = () => 1500
          })
        )
        faults.rename = undefined
        assert.deepStrictEqual(readdirSync(dir).sort(), ["disque.aof", "nodes.conf"])
        yield* onDisk({ dir }, (link) => Effect.map(say(link, "QLEN", "q"), (length) => assert.strictEqual(length, 2)))
      })
    )
  )

  it.effect("notices that its folder is gone, and writes all jobs when it is back", () =>
    withFaults((_, dir) =>
      Effect.gen(function* () {
        yield* onDisk({ dir: `${dir}/data`, appendfsync: "always" }, (link) =>
          Effect.gen(function* () {
            yield* say(link, "ADDJOB", "q", "kept", "0")
            rmSync(`${dir}/data`, { recursive: true })
            assert.strictEqual(yield* say(link, "ADDJOB", "q", "refused", "0"), misconf("No such file or directory"))
            mkdirSync(`${dir}/data`)
            yield* untilMended(link)
            yield* say(link, "ADDJOB", "q", "later", "0")
          })
        )
        yield* onDisk({ dir: `${dir}/data` }, (link) =>
          Effect.map(say(link, "QLEN", "q"), (length) => assert.strictEqual(length, 2))
        )
      })
    )
  )
})

describe("a folder", () => {
  it.scoped("is for one process at a time, and is free again after it", () =>
    Effect.gen(function* () {
      const dir = yield* temporaryFolder
      yield* onDisk({ dir }, () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(onDisk({ dir }, () => Effect.void))
          assert.instanceOf(error, StorageError)
          assert.deepInclude(error, { reason: "Locked", pid: process.pid })
        })
      )
      yield* onDisk({ dir }, () => Effect.void)
    }).pipe(Effect.provide(files))
  )

  it.scoped("whose file is damaged is refused with the place, and what to do", () =>
    Effect.gen(function* () {
      const dir = yield* temporaryFolder
      yield* onDisk({ dir }, (link) => say(link, "ADDJOB", "q", "x", "0"))
      const file = `${dir}/disque.aof`
      const bytes = readFileSync(file)
      writeFileSync(file, Buffer.concat([bytes, Buffer.from("garbage\r\n"), bytes]))
      const error = yield* Effect.flip(onDisk({ dir }, () => Effect.void))
      assert.deepInclude(error, { reason: "Damaged", offset: bytes.length, path: file })
      assert.include(String(error), "disco aof fix")
    }).pipe(Effect.provide(files))
  )

  it.scoped(
    "whose file ends within a record loses that record alone, wherever it ends",
    () =>
      Effect.gen(function* () {
        const dir = yield* temporaryFolder
        yield* onDisk({ dir }, (link) => Effect.zipRight(say(link, "ADDJOB", "q", "1", "0"), TestClock.adjust(5)))
        const file = `${dir}/disque.aof`
        const whole = readFileSync(file)
        for (let end = whole.length; end < whole.length * 2; end++) {
          writeFileSync(file, Buffer.concat([whole, whole]).subarray(0, end))
          yield* onDisk({ dir }, (link) =>
            Effect.gen(function* () {
              assert.strictEqual(yield* say(link, "QLEN", "q"), 1)
              assert.strictEqual(readFileSync(file).length, whole.length)
            })
          )
        }
      }).pipe(Effect.provide(files)),
    60_000
  )
})
