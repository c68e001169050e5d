import { DisqueConnection } from "@disco/core"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type { Prepared } from "./backend.js"
import { freshQueue } from "./utils.js"

const parallel = 10
const rounds = 150

/** What becomes of jobs whose getJob is interrupted as they arrive, wherever the node is. */
export const interruptions = (backend: Prepared): void => {
  const { settle } = backend
  const warnings: Array<string> = []
  const listening = Logger.add(Logger.make<unknown, void>(({ message }) => warnings.push(String(message))))

  describe(`interruption ${backend.name}`, () => {
    backend.test("loses no job: 1,500 calls of getJob, each interrupted as its job arrives", () =>
      Effect.gen(function* () {
        const disque = yield* DisqueConnection
        // What cannot be given back is said in a warning.
        warnings.length = 0
        const got = new Set<string>()
        const race = (lane: number) =>
          Effect.gen(function* () {
            const queue = yield* freshQueue
            const mine = new Set<string>()
            for (let round = 0; round < rounds; round++) {
              const getting = yield* Effect.fork(disque.getJob(queue))
              if (round % 10 === 0) yield* settle
              else yield* Effect.yieldNow()
              const adding = yield* Effect.fork(disque.addJob(queue, "x", { retry: "1 hour", replicate: 1 }))
              for (let i = 0; i < (round + lane) % 11; i++) yield* Effect.yieldNow()
              if (round % 3 === 2) yield* Fiber.join(adding)
              const exit = yield* Fiber.interrupt(getting)
              if (Exit.isSuccess(exit)) mine.add(exit.value.id)
              yield* Fiber.join(adding)
            }
            while (mine.size < rounds) {
              const jobs = yield* disque.getJobs(queue, { count: rounds, timeout: "3 seconds" })
              assert.isAbove(jobs.length, 0, `${rounds - mine.size} of ${rounds} jobs are lost`)
              for (const job of jobs) mine.add(job.id)
            }
            for (const id of mine) got.add(id)
          })
        yield* Effect.forEach(Array.from({ length: parallel }), (_, lane) => race(lane), {
          concurrency: "unbounded",
          discard: true
        })
        assert.strictEqual(got.size, parallel * rounds)
        assert.deepStrictEqual(warnings, [])
      }).pipe(Effect.provide(Layer.provide(backend.layer, listening)))
    )
  })
}
