import { DisquePool, JobQueue } from "@disco/core"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"

const Page = Schema.Struct({ depth: Schema.Number })
const pages = JobQueue.make("pages", { payload: Page })

/** A crawler: a page has two links, down to the third level. */
const crawl = ({ depth }: typeof Page.Type) =>
  Effect.gen(function* () {
    if (depth === 3) return 0
    const pool = yield* DisquePool
    for (const _ of ["left", "right"]) yield* pages.add(pool, { depth: depth + 1 }, { delay: "1 second" })
    return 2
  })

it.effect("a page has two links", () =>
  Effect.gen(function* () {
    assert.strictEqual(yield* DiscoTest.perform(pages, crawl, { depth: 1 }), 2)
    assert.strictEqual((yield* DiscoTest.enqueued(pages)).length, 2)
  }).pipe(Effect.provide(DiscoTest.layer()))
)

it.effect("seven pages are three levels", () =>
  Effect.gen(function* () {
    yield* pages.add(yield* DisquePool, { depth: 1 })
    const { failures, succeeded } = yield* DiscoTest.drain(pages, crawl, { scheduled: true, recursive: true })
    assert.deepStrictEqual([succeeded, failures], [7, []])
  }).pipe(Effect.provide(DiscoTest.layer()))
)
