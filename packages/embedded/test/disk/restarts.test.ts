import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { type DurableOptions, EmbeddedDisque } from "../../src/index.js"
import { dial, say, text } from "../utils/ask.js"
import { filesOn } from "../utils/disk.js"
import { MemoryDisk } from "../utils/memoryDisk.js"
import { compare, Model, runStep, type Step, step } from "../utils/model.js"

const { array, boolean, constant, constantFrom, oneof, record } = FastCheck

type DiskStep =
  | { readonly does: "BGREWRITEAOF" }
  | { readonly does: "restart"; readonly isClean: boolean; readonly seconds: number }

const diskStep: FastCheck.Arbitrary<Step | DiskStep> = oneof(
  { weight: 8, arbitrary: step },
  { weight: 1, arbitrary: record({ does: constant("BGREWRITEAOF" as const) }) },
  {
    weight: 2,
    arbitrary: record({
      does: constant("restart" as const),
      isClean: boolean(),
      seconds: constantFrom(0, 0, 10, 100)
    })
  }
)

/** A node on a disk, which can be ended and started again. */
class Restarted {
  private disk = new MemoryDisk()
  private readonly options: DurableOptions
  private scope: Scope.CloseableScope | undefined

  constructor(options: DurableOptions) {
    this.options = options
  }

  readonly start = Effect.gen(this, function* () {
    const scope = yield* Scope.make()
    this.scope = scope
    const node = Layer.provideMerge(EmbeddedDisque.layerDialer, EmbeddedDisque.layer(this.options))
    const built = yield* Layer.buildWithScope(Layer.provide(node, filesOn(this.disk)), scope)
    return yield* Scope.extend(Effect.provide(dial(1), built), scope)
  })

  readonly close = Effect.suspend(() => (this.scope === undefined ? Effect.void : Scope.close(this.scope, Exit.void)))

  readonly end = (isClean: boolean) =>
    Effect.gen(this, function* () {
      const killed = this.disk.afterKill()
      yield* this.close
      assert.deepStrictEqual(this.disk.open, [])
      if (!isClean) this.disk = killed
    })
}

const rewritten = (link: Parameters<typeof say>[0]) =>
  Effect.gen(function* () {
    yield* say(link, "BGREWRITEAOF")
    while ((yield* text(link, "INFO", "persistence")).includes("aof_rewrite_in_progress:1")) yield* TestClock.adjust(0)
    assert.include(yield* text(link, "INFO", "persistence"), "aof_last_bgrewrite_status:ok")
  })

describe("a node on disk and the model of one", () => {
  it.effect.prop(
    "know the same jobs in the same states after any commands, and any restarts between them",
    [
      array(diskStep, { maxLength: 40, size: "max" }),
      record({
        appendfsync: constantFrom("always" as const, "everysec" as const, "no" as const),
        enqueueJobsOnce: boolean()
      })
    ],
    ([steps, options]) =>
      Effect.gen(function* () {
        const node = new Restarted({ dir: "/data", ...options })
        // What is tried after a failure needs the folder.
        yield* Effect.addFinalizer(() => node.close)
        let link = yield* node.start
        const model = new Model()
        const ids: Array<string> = []
        for (const each of steps) {
          if (each.does === "BGREWRITEAOF") {
            yield* rewritten(link)
            model.rewrite()
          } else if (each.does === "restart") {
            yield* node.end(each.isClean)
            if (each.isClean) model.rewrite()
            yield* TestClock.adjust(each.seconds * 1000)
            link = yield* node.start
            model.restart(each.seconds, options.enqueueJobsOnce)
          } else {
            yield* runStep(link, model, ids, each)
          }
          yield* compare(link, model, ids)
        }
        yield* node.end(true)
      }).pipe(Effect.scoped),
    { fastCheck: { numRuns: 40 }, timeout: 180_000 }
  )

  it.effect("queue a job behind those of the same millisecond that were added before a restart", () =>
    Effect.gen(function* () {
      const node = new Restarted({ dir: "/data", enqueueJobsOnce: true })
      yield* Effect.addFinalizer(() => node.close)
      const before = yield* node.start
      for (const body of ["one", "two", "three"]) yield* say(before, "ADDJOB", "q", body, "0")
      yield* node.end(false)
      const link = yield* node.start
      yield* say(link, "ADDJOB", "q", "four", "0")
      const jobs = yield* say(link, "GETJOB", "NOHANG", "COUNT", "4", "FROM", "q")
      assert.deepStrictEqual(
        (jobs as ReadonlyArray<ReadonlyArray<string>>).map(([, , body]) => body),
        ["one", "two", "three", "four"]
      )
    }).pipe(Effect.scoped)
  )
})
