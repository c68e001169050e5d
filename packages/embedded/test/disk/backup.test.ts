import { closeSync, mkdirSync, openSync, readSync, writeSync } from "node:fs"
import { copyFile } from "node:fs/promises"
import { setTimeout } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { dial, say, text } from "../utils/ask.js"
import { files, onDisk, temporaryFolder } from "../utils/disk.js"

/** How often the file is copied. */
const copies = 12

/** What was answered so far. */
class Answered {
  readonly kept = new Set<string>()
  readonly acknowledged = new Set<string>()
}

const worker = (answered: Answered, number: number) =>
  Effect.gen(function* () {
    const link = yield* dial(1)
    for (let serial = 0; ; serial++) {
      const id = yield* text(link, "ADDJOB", "q", `${number} ${serial} ${"x".repeat(serial % 300)}`, "0")
      answered.kept.add(id)
      if (serial % 16 === 0) continue
      answered.kept.delete(id)
      assert.strictEqual(yield* say(link, "ACKJOB", id), 1)
      answered.acknowledged.add(id)
    }
  })

const rewrites = Effect.gen(function* () {
  const link = yield* dial(1)
  yield* Effect.forever(Effect.delay(say(link, "BGREWRITEAOF"), 3))
})

/** Copies as a program does that reads a little, and is held up then. */
const copySlowly = async (from: string, to: string): Promise<void> => {
  const source = openSync(from, "r")
  const target = openSync(to, "w")
  const chunk = Buffer.alloc(16 * 1024)
  for (let size = -1; size !== 0; ) {
    size = readSync(source, chunk)
    writeSync(target, chunk, 0, size)
    await setTimeout(Math.random() * 3)
  }
  closeSync(source)
  closeSync(target)
}

describe("a copy of the file, taken at any moment under load while the file is rewritten over and over,", () => {
  it.live("can be loaded, has each job that was answered before, and none whose acknowledgement was", () =>
    Effect.gen(function* () {
      const dir = yield* temporaryFolder
      const answered = new Answered()
      const taken = yield* onDisk({ dir: `${dir}/live`, appendfsync: "no" }, () =>
        Effect.gen(function* () {
          const load = Effect.all([rewrites, ...Array.from({ length: 6 }, (_, i) => worker(answered, i))], {
            concurrency: "unbounded",
            discard: true
          })
          const copying = Effect.forEach(Array(copies).keys(), (number) =>
            Effect.promise(async () => {
              await setTimeout(20 + Math.random() * 80)
              const before = { kept: [...answered.kept], acknowledged: [...answered.acknowledged] }
              mkdirSync(`${dir}/${number}`)
              await copyFile(`${dir}/live/nodes.conf`, `${dir}/${number}/nodes.conf`)
              await (number % 2 === 0 ? copyFile : copySlowly)(`${dir}/live/disque.aof`, `${dir}/${number}/disque.aof`)
              // What was acknowledged while the copy was made may be in it or not.
              return { ...before, kept: before.kept.filter((id) => answered.kept.has(id)) }
            })
          )
          return yield* Effect.raceFirst(copying, Effect.zipRight(load, Effect.never))
        })
      )
      assert.isAbove(answered.acknowledged.size, 100)
      for (const [number, { acknowledged, kept }] of taken.entries()) {
        const found = yield* onDisk({ dir: `${dir}/${number}` }, (link) =>
          Effect.map(say(link, "JSCAN", "0", "BUSYLOOP"), (all) => new Set((all as [string, Array<string>])[1]))
        )
        const missing = kept.filter((id) => !found.has(id))
        const back = acknowledged.filter((id) => found.has(id))
        assert.deepStrictEqual({ missing, back }, { missing: [], back: [] }, `copy ${number}`)
      }
    }).pipe(Effect.scoped, Effect.provide(files))
  )
})
