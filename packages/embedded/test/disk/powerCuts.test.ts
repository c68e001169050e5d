import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { dial, say, text } from "../utils/ask.js"
import { copyOf, filesOn, onDisk } from "../utils/disk.js"
import { MemoryDisk } from "../utils/memoryDisk.js"

/** What clients know of their jobs. */
class Told {
  /** The jobs that were added, and that nobody has tried to acknowledge. */
  readonly kept = new Set<string>()
  /** The jobs whose acknowledgement was answered. */
  readonly gone = new Set<string>()
}

const add = (told: Told, body: string) =>
  Effect.gen(function* () {
    const reply = yield* text(yield* dial(1), "ADDJOB", "q", body, "0", "RETRY", "1000")
    if (reply.startsWith("D-")) told.kept.add(reply)
    return reply
  })

const acknowledge = (told: Told, id: string) =>
  Effect.gen(function* () {
    told.kept.delete(id)
    if ((yield* say(yield* dial(1), "ACKJOB", id)) === 1) told.gone.add(id)
  })

const command = (...words: ReadonlyArray<string>) => Effect.flatMap(dial(1), (link) => say(link, ...words))

/** Clients add and acknowledge jobs, while the file is written anew twice. */
const busy = (told: Told) => {
  const client = (name: string) =>
    Effect.gen(function* () {
      for (let i = 0; i < 3; i++) {
        const id = yield* add(told, `${name} ${i}`)
        if (i !== 1) continue
        yield* acknowledge(told, id)
        yield* command("BGREWRITEAOF")
      }
    })
  return Effect.all(["a", "b", "c"].map(client), { concurrency: "unbounded", discard: true })
}

/** Recording is stopped and begun again, while jobs come. What is added meanwhile is kept once that is answered. */
const switching = (told: Told) =>
  Effect.gen(function* () {
    const first = yield* add(told, "first")
    yield* add(told, "second")
    yield* acknowledge(told, first)
    const before = [...told.kept]
    // The file is no longer about the jobs that there are.
    told.kept.clear()
    told.gone.clear()
    yield* command("CONFIG", "SET", "appendonly", "no")
    const meanwhile = new Told()
    yield* add(meanwhile, "third")
    const [reply] = yield* Effect.all([command("CONFIG", "SET", "appendonly", "yes"), add(meanwhile, "fourth")], {
      concurrency: "unbounded"
    })
    if (reply !== "OK") return
    for (const id of [...before, ...meanwhile.kept]) told.kept.add(id)
    yield* add(told, "fifth")
  })

const start = (disk: MemoryDisk, appendfsync: "always" | "everysec" | "no", work: ReturnType<typeof busy>) =>
  Effect.exit(onDisk({ dir: "/data", appendfsync }, () => work).pipe(Effect.provide(filesOn(disk))))

/** Starts a node on what is left of a disk, and compares its jobs with what was told. */
const assertKept = (disk: MemoryDisk, told: Told, when: string, dir = "/data") =>
  Effect.gen(function* () {
    const ids = yield* onDisk({ dir }, (link) =>
      Effect.map(say(link, "JSCAN", "0", "COUNT", "1000"), (all) => new Set((all as [string, Array<string>])[1]))
    )
    const missing = [...told.kept].filter((id) => !ids.has(id))
    const back = [...told.gone].filter((id) => ids.has(id))
    assert.deepStrictEqual({ missing, back }, { missing: [], back: [] }, when)
    assert.deepStrictEqual(disk.open, [], when)
    assert.notInclude(disk.list(dir).join(" "), "temp-", when)
  }).pipe(Effect.provide(filesOn(disk)))

/** Numbers that look random, from 0 to 1. */
const randomFrom = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
  return seed / 2 ** 31
}

const works = {
  "clients add and acknowledge jobs while the file is rewritten": busy,
  "recording is switched": switching
}

describe("a power cut", () => {
  it.effect("with everysec loses nothing that was answered more than a second before", () =>
    Effect.gen(function* () {
      const disk = new MemoryDisk()
      const told = new Told()
      yield* onDisk({ dir: "/data", appendfsync: "everysec" }, () =>
        Effect.gen(function* () {
          for (let round = 0; round < 5; round++) {
            const early = new Told()
            yield* busy(early)
            yield* TestClock.adjust("1100 millis")
            for (const id of early.kept) told.kept.add(id)
            for (const id of early.gone) told.gone.add(id)
            yield* add(new Told(), "within the last second")
            for (let seed = 1; seed <= 5; seed++) {
              const left = copyOf(disk.afterPowerCut(randomFrom(seed)))
              yield* assertKept(left, told, `round ${round}, seed ${seed}`, "/copy")
            }
          }
        })
      ).pipe(Effect.provide(filesOn(disk)))
    })
  )

  for (const appendfsync of ["everysec", "no"] as const) {
    it.effect(`with ${appendfsync} leaves a file that can be loaded`, () =>
      Effect.gen(function* () {
        for (let call = 1, isCut = true; isCut; call++) {
          const disk = new MemoryDisk()
          disk.endsBefore = call
          yield* start(disk, appendfsync, busy(new Told()))
          isCut = disk.isOff
          yield* assertKept(disk.afterPowerCut(randomFrom(call)), new Told(), `call ${call}`)
        }
      })
    )
  }
})

describe("at each call of the system that a node makes", () => {
  for (const [name, work] of Object.entries(works)) {
    it.effect(`a power cut loses nothing that was answered with always, while ${name}`, () =>
      Effect.gen(function* () {
        for (let call = 1, isCut = true; isCut; call++) {
          const disk = new MemoryDisk()
          const told = new Told()
          disk.endsBefore = call
          yield* start(disk, "always", work(told))
          isCut = disk.isOff
          for (let seed = 1; seed <= 3; seed++) {
            yield* assertKept(disk.afterPowerCut(randomFrom(call * 3 + seed)), told, `call ${call}, seed ${seed}`)
          }
        }
      })
    )

    for (const appendfsync of ["always", "everysec", "no"] as const) {
      it.effect(`the end of the process loses nothing that was answered with ${appendfsync}, while ${name}`, () =>
        Effect.gen(function* () {
          for (let call = 1, isCut = true; isCut; call++) {
            const disk = new MemoryDisk()
            const told = new Told()
            disk.endsBefore = call
            yield* start(disk, appendfsync, work(told))
            isCut = disk.isOff
            yield* assertKept(disk.afterKill(), told, `call ${call}`)
          }
        })
      )
    }
  }
})
