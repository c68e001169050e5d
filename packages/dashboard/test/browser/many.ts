/** Very many queues, and very much time. */
import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { CDPSession, Page } from "playwright-core"
import type { QueueAnswer, QueueRow, QueuesPage } from "../../src/api/queues.js"
import type { Status } from "../../src/api/status.js"
import { Stage, tile } from "./stage.js"

const queues = 10_000

/** The longest time in which the page did nothing else, in milliseconds, while something happens. */
const longestPause = async (page: Page, deed: () => Promise<void>): Promise<number> => {
  await page.evaluate(() => {
    const watch = globalThis as unknown as { longest: number; isWatching: boolean }
    watch.longest = 0
    watch.isWatching = true
    let last = performance.now()
    const tick = () => {
      const now = performance.now()
      watch.longest = Math.max(watch.longest, now - last)
      last = now
      if (watch.isWatching) setTimeout(tick, 0)
    }
    tick()
  })
  await deed()
  return page.evaluate(() => {
    const watch = globalThis as unknown as { longest: number; isWatching: boolean }
    watch.isWatching = false
    return watch.longest
  })
}

const row = (i: number, turn: number): QueueRow => ({
  name: `queue-${i}`,
  length: (i * 7919 + turn * 31) % 5000,
  oldestMillis: turn * 2000,
  in: (turn * i) % 90,
  out: (turn + i) % 80,
  imported: 0,
  blocked: 1,
  pause: "none",
  pausedOn: [],
  badges: turn % 2 === 0 ? ["growing"] : [],
  sparkline: Array.from({ length: 60 }, (_, at) => (at * i + turn) % 100)
})

/** A node of its own for very many jobs: the others would slow down all tests. */
const withNode = async (browser: Stage["browser"], test: (stage: Stage) => Promise<void>): Promise<void> => {
  const stage = await Stage.open(browser, 1)
  try {
    await test(stage)
  } finally {
    await stage.close()
  }
}

/** What the server would push at a turn; `at` and `now` are put in by the page, whose clock is simulated. */
const update = (turn: number): QueuesPage => ({
  at: 0,
  isComplete: true,
  totals: {
    queues: 500,
    length: turn,
    in: turn,
    out: turn,
    blocked: 3,
    oldestMillis: 1,
    badges: { "no consumers": 0, "partly paused": 0, paused: 0, growing: 250 }
  },
  matching: 500,
  queues: Array.from({ length: 150 }, (_, i) => row(i, turn)),
  groups: [],
  sparklineMillis: 5000
})

const oneQueue = (turn: number): QueueAnswer => ({
  at: 0,
  sparklineMillis: 5000,
  queue: {
    ...row(1, turn),
    name: "queue-1",
    ageMillis: 1,
    idleMillis: 1,
    jobsIn: "1",
    jobsOut: "1",
    nodes: [],
    retry: null,
    dead: null,
    isTyped: false
  }
})

const status: Status = { now: 0, startedAt: 0, sampledAt: 0, state: "up", nodes: [] }

/** Less often than the server, for the sake of time. */
const secondsBetween = 10

/** Streams that are driven by the clock of the page, with a few updates that take turns. */
const simulateStreams = (page: Page) =>
  page.addInitScript(
    ({ answers, pages, seconds, status }) => {
      class Simulated extends EventTarget {
        static readonly CLOSED = 2
        onerror: unknown = null
        readyState = 1
        private readonly timer: ReturnType<typeof setInterval>
        constructor(address: string) {
          super()
          const updates: ReadonlyArray<object> = address.includes("events/queues") ? pages : answers
          let turn = 0
          const push = (type: string, data: object) =>
            this.dispatchEvent(
              new MessageEvent(type, { data: JSON.stringify({ ...data, at: Date.now(), now: Date.now() }) })
            )
          this.timer = setInterval(() => {
            push("status", status)
            push("update", updates[turn++ % updates.length] ?? {})
          }, seconds * 1000)
        }
        close() {
          clearInterval(this.timer)
        }
      }
      Object.assign(globalThis, { EventSource: Simulated })
    },
    { pages: [1, 2, 3, 4].map(update), answers: [1, 2, 3, 4].map(oneQueue), status, seconds: secondsBetween }
  )

interface Size {
  readonly heap: number
  readonly nodes: number
  readonly listeners: number
}

const sizeOf = async (session: CDPSession): Promise<Size> => {
  // What only the collection of garbage holds is not growth.
  for (let i = 0; i < 3; i++) await session.send("HeapProfiler.collectGarbage")
  const { metrics } = await session.send("Performance.getMetrics")
  const metric = (name: string) => metrics.find((each) => each.name === name)?.value ?? 0
  return { heap: metric("JSHeapUsedSize"), nodes: metric("Nodes"), listeners: metric("JSEventListeners") }
}

export const many = (stage: () => Stage) =>
  describe("very much of it", () => {
    it(`stays responsive with ${queues} queues, of which it renders those that can be seen`, async () => {
      await withNode(stage().browser, async (stage) => {
        await stage.run(
          Effect.flatMap(DisquePool, (pool) =>
            pool.addJobs(
              Array.from({ length: queues }, (_, i) => ({ queue: `many-${String(i).padStart(5, "0")}`, body: "it" }))
            )
          )
        )
        await stage.visit("/queues?order=name&search=many-", async (page) => {
          // A look asks the node about 500 queues.
          await page.getByText("10,000 queues").waitFor({ timeout: 50_000 })
          const pause = await longestPause(page, async () => {
            for (let i = 1; i <= 10; i++) {
              await page.evaluate((y) => scrollTo(0, y), i * 4000)
              await page.waitForTimeout(20)
            }
            await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight))
            await page.getByText("many-09999").waitFor()
          })
          // A machine with other work to do is slow at times; a page that renders all rows takes seconds.
          assert.isBelow(pause, 1000)
          assert.isBelow(await page.locator("tbody tr").count(), 80)
          await page.getByRole("searchbox").fill("many-0777")
          await page.getByText("10 queues").waitFor()
        })
      })
    }, 120_000)

    for (const [what, address, label] of [
      ["the list of queues", "/queues", "Jobs waiting"],
      ["a queue with its chart", "/queue?name=queue-1", "Length"]
    ] as const) {
      it(`does not grow in an hour of updates, on ${what}`, async () => {
        await stage().visit("/nowhere", async (page) => {
          await page.setViewportSize({ width: 1000, height: 400 })
          await page.clock.install()
          await simulateStreams(page)
          await page.reload()
          const session = await page.context().newCDPSession(page)
          await session.send("Performance.enable")
          await page.evaluate((hash) => {
            location.hash = hash
          }, address)
          // An hour is as much as the chart keeps: after that it grows no more.
          await page.clock.runFor("01:00:00")
          await tile(page, label).waitFor()
          const before = await sizeOf(session)
          await page.clock.runFor("01:00:00")
          const after = await sizeOf(session)
          assert.isBelow(after.heap - before.heap, 1_500_000)
          assert.isAtMost(after.nodes - before.nodes, 200)
          assert.isAtMost(after.listeners - before.listeners, 20)
        })
      }, 120_000)
    }

    // It takes minutes and gigabytes.
    it.skipIf(process.env.DISCO_MILLION === undefined)(
      "stays responsive with a million jobs",
      async () => {
        await withNode(stage().browser, async (stage) => {
          await stage.run(
            Effect.gen(function* () {
              const pool = yield* DisquePool
              yield* pool.config.set("maxmemory", "4gb")
              const jobs = Array.from({ length: 1000 }, () => ({ queue: "million", body: "it" }))
              for (let i = 0; i < 1000; i++) yield* pool.addJobs(jobs)
            })
          )
          await stage.visit("/queue?name=million", async (page) => {
            const pause = await longestPause(page, async () => {
              await tile(page, "Length").getByText("1,000,000").waitFor()
              await page
                .getByRole("region", { name: "Jobs by state" })
                .getByText(/counted/)
                .waitFor()
              await page.getByRole("button", { name: "Queued", exact: true }).click()
              await page.getByRole("table", { name: "Jobs" }).getByRole("link").nth(40).waitFor()
            })
            assert.isBelow(pause, 1000)
          })
        })
      },
      300_000
    )
  })
