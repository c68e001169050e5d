/** What becomes of the page as time passes. These tests wait most of the time, and do so together. */
import { DisquePool, JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import type { CDPSession, Page } from "playwright-core"
import type { QueueAnswer, QueueRow, QueuesPage } from "../../src/api/queues.js"
import type { Status } from "../../src/api/status.js"
import { row, type Stage, tile } from "./stage.js"

/** What an update costs grows with its rows, and what the page would keep of each shows with a few already. */
const rows = 12

const rowOf = (i: number, turn: number): QueueRow => ({
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

/** What the server would push at a turn; `at` and `now` are put in by the page, whose clock is simulated. */
const update = (turn: number): Omit<QueuesPage, "at"> => ({
  isComplete: true,
  totals: {
    queues: rows,
    length: turn,
    in: turn,
    out: turn,
    blocked: 3,
    oldestMillis: 1,
    badges: { "no consumers": 0, "partly paused": 0, paused: 0, growing: 6 }
  },
  matching: rows,
  queues: Array.from({ length: rows }, (_, i) => rowOf(i, turn)),
  groups: [],
  sparklineMillis: 5000
})

const oneQueue = (turn: number): Omit<QueueAnswer, "at"> => ({
  sparklineMillis: 5000,
  queue: {
    ...rowOf(1, turn),
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

const status: Omit<Status, "now"> = { startedAt: 0, sampledAt: 0, state: "up", nodes: [] }

/** As often as the server looks by default. */
const secondsBetween = 2

/** Streams that are driven by the clock of the page, with a few updates that take turns; they are written once, as a server does. */
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
          const updates = address.includes("events/queues") ? pages : answers
          let turn = 0
          const push = (type: string, fields: string) => {
            const now = Date.now()
            const data = `{"at":${now},"now":${now},${fields.slice(1)}`
            this.dispatchEvent(new MessageEvent(type, { data }))
          }
          this.timer = setInterval(() => {
            push("status", status)
            push("update", updates[turn++ % updates.length] ?? "{}")
          }, seconds * 1000)
        }
        close() {
          clearInterval(this.timer)
        }
      }
      Object.assign(globalThis, { EventSource: Simulated })
    },
    {
      pages: [1, 2, 3, 4].map((turn) => JSON.stringify(update(turn))),
      answers: [1, 2, 3, 4].map((turn) => JSON.stringify(oneQueue(turn))),
      status: JSON.stringify(status),
      seconds: secondsBetween
    }
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

export const time = (stage: () => Stage) =>
  describe.concurrent("as time passes", () => {
    it("asks for the password, again when the session has ended, and then shows the same screen", async () => {
      await stage().visitWithPassword(
        "/queues?search=mail",
        async (page) => {
          const field = page.getByLabel("Password")
          await field.fill("wrong")
          await page.getByRole("button", { name: "Sign in" }).click()
          await page.getByRole("alert").waitFor()
          await field.fill(stage().password)
          await field.press("Enter")
          await page.getByRole("searchbox").waitFor()
          await page.getByRole("button", { name: "Sign out" }).waitFor()
          stage().endSessions()
          await field.waitFor()
          await field.fill(stage().password)
          await field.press("Enter")
          assert.strictEqual(await page.getByRole("searchbox").inputValue(), "mail")
          await page.getByRole("button", { name: "Sign out" }).click()
          await field.waitFor()
        },
        { errors: /401|403/ }
      )
    })

    it("shows the workers of its program and those that report, and which of them are silent", async () => {
      const at = Date.now()
      const report: Worker.Reporting.Report = {
        id: "another",
        program: "mailer on web-3",
        queue: "emails",
        at,
        startedAt: at - 3_600_000,
        every: 1000,
        isPaused: false,
        concurrency: 8,
        busy: 3,
        succeeded: 12_345,
        failed: 6,
        dead: 1,
        leasesLost: 0,
        lastFetch: at
      }
      const working = Worker.run(JobQueue.make("worked", { payload: Schema.Unknown }), () => Effect.never, {
        concurrency: 2,
        grace: 0
      })
      const worker = await stage().run(Effect.forkDaemon(working))
      await stage().run(
        Effect.flatMap(DisquePool, (pool) =>
          Effect.zipRight(
            pool.addJob(Worker.Reporting.defaultQueue, JSON.stringify(report), { retry: 0, replicate: 1 }),
            pool.addJob("worked", "1")
          )
        )
      )
      await stage().visit("/workers", async (page) => {
        const here = row(page, "worked")
        await here.getByRole("cell", { name: "1 of 2" }).waitFor()
        await here.getByText("works", { exact: true }).first().waitFor()
        const other = row(page, "emails")
        await other.getByRole("cell", { name: "mailer on web-3" }).waitFor()
        await other.getByRole("cell", { name: "3 of 8" }).waitFor()
        await other.getByRole("cell", { name: "12,345" }).waitFor()
        await other
          .getByText(/^silent for/)
          .first()
          .waitFor()
        await page.getByRole("button", { name: /^Silent/ }).click()
        await here.waitFor({ state: "detached" })
        await page.waitForURL(/show=silent/)
        await page.getByRole("button", { name: "All", exact: true }).click()
        await page.getByRole("searchbox").fill("web-3")
        await here.waitFor({ state: "detached" })
        await other.waitFor()
      })
      await stage().run(Fiber.interrupt(worker))
    })

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
          // What the page needs to show anything at all is no growth.
          await page.clock.runFor("01:00")
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
  })
