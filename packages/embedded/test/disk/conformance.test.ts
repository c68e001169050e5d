import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { type DisqueLink, Reply } from "@disco/core"
import * as FileSystem from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as TestClock from "effect/TestClock"
import { ask, plain, say } from "../utils/ask.js"
import { files, onDisk, temporaryFolder } from "../utils/disk.js"

type Shown = Readonly<Record<string, unknown>>

interface State {
  readonly jobs: ReadonlyArray<{ readonly id: string; readonly show: Shown | null }>
  readonly queues: Readonly<Record<string, number>>
}

interface Recording {
  /** The time of the server when it had loaded the file, in ms. */
  readonly recordedAt: number
  readonly loaded: State
  readonly loadedOnce: State
}

const folder = fileURLToPath(new URL("../data/aof/", import.meta.url))
const names = readdirSync(folder).flatMap((name) => (name.endsWith(".aof") ? [name.slice(0, -4)] : []))

/** The fields that move with time, and how far, in their units. */
const moving: Readonly<Record<string, number>> = { ttl: 2, "next-requeue-within": 3000, "next-awake-within": 3000 }

const show = (link: DisqueLink, id: string) =>
  Effect.map(ask(link, "SHOW", id), (reply) => {
    const fields = new Map(Either.getOrThrow(Reply.read(Reply.record, reply)))
    const shown = Object.fromEntries([...fields].map(([name, value]) => [name, plain(value)]))
    return {
      ...shown,
      ctime: String(fields.get("ctime")),
      body: Buffer.from(fields.get("body") as Uint8Array).toString("base64")
    }
  })

const assertShown = (shown: Shown, expected: Shown) => {
  for (const [name, value] of Object.entries(expected)) {
    const found = shown[name]
    const spread = moving[name]
    if (spread === undefined || value === null) assert.deepStrictEqual([name, found], [name, value])
    else assert.approximately(Number(found), Number(value), spread, name)
  }
}

/** No number holds a time in nanoseconds. */
const parse = (text: string): Recording => JSON.parse(text.replace(/"ctime": (\d+)/g, '"ctime": "$1"'))

describe("a file that a Disque server wrote", () => {
  for (const name of names) {
    const recording: Recording = parse(readFileSync(`${folder}${name}.json`, "utf8"))
    for (const how of ["loaded", "loadedOnce"] as const) {
      it.scoped(`${name}.aof shows what the server shows of it, ${how}`, () =>
        Effect.gen(function* () {
          const fs = yield* FileSystem.FileSystem
          const dir = yield* temporaryFolder
          yield* fs.copyFile(`${folder}${name}.aof`, `${dir}/disque.aof`)
          yield* TestClock.setTime(recording.recordedAt)
          yield* onDisk({ dir, enqueueJobsOnce: how === "loadedOnce" }, (link) =>
            Effect.gen(function* () {
              for (const { id, show: expected } of recording[how].jobs) {
                if (expected === null) assert.isNull(yield* say(link, "SHOW", id))
                else assertShown(yield* show(link, id), expected)
              }
              const queues = new Set(
                [...recording.loaded.jobs].flatMap(({ show }) => (show ? [String(show.queue)] : []))
              )
              for (const queue of queues) {
                assert.strictEqual(yield* say(link, "QLEN", queue), recording[how].queues[queue] ?? 0)
              }
            })
          )
        }).pipe(Effect.provide(files))
      )
    }
  }
})
