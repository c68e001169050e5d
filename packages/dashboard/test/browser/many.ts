/** Very many queues, and very many jobs. */
import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Page } from "playwright-core"
import { Stage, tile } from "./stage.js"

const queues = 10_000
// In milliseconds. A machine with other work to do is slow at times; a page that renders all rows takes many seconds.
const longest = 3000

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

/** Nodes of their own for very many jobs: the others would slow down all tests. */
const withNodes = async (
  browser: Stage["browser"],
  nodes: number,
  test: (stage: Stage) => Promise<void>
): Promise<void> => {
  const stage = await Stage.open(browser, nodes)
  try {
    await test(stage)
  } finally {
    await stage.close()
  }
}

export const many = (stage: () => Stage) =>
  describe("very much of it", () => {
    it(`stays responsive with ${queues} queues, of which it renders those that can be seen`, async () => {
      // A look asks each node about 500 queues.
      const nodes = 5
      await withNodes(stage().browser, nodes, async (stage) => {
        await stage.run(
          Effect.flatMap(DisquePool, (pool) =>
            Effect.forEach(
              stage.nodes,
              ({ address }, node) =>
                pool.on(address).addJobs(
                  Array.from({ length: queues / nodes }, (_, i) => ({
                    queue: `many-${String(i * nodes + node).padStart(5, "0")}`,
                    body: "it",
                    options: { replicate: 1 }
                  }))
                ),
              { discard: true }
            )
          )
        )
        await stage.visit("/queues?order=name&search=many-", async (page) => {
          await page.getByText("10,000 queues").waitFor({ timeout: 50_000 })
          const pause = await longestPause(page, async () => {
            for (let i = 1; i <= 10; i++) {
              await page.evaluate((y) => scrollTo(0, y), i * 4000)
              await page.waitForTimeout(20)
            }
            await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight))
            await page.getByText("many-09999").waitFor()
          })
          assert.isBelow(await page.locator("tbody tr").count(), 80)
          assert.isBelow(pause, longest)
          await page.getByRole("searchbox").fill("many-0777")
          await page.getByText("10 queues").waitFor()
        })
      })
    }, 120_000)

    it("stays responsive with a million jobs", async () => {
      await withNodes(stage().browser, 1, async (stage) => {
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
          assert.isBelow(pause, longest)
        })
      })
    }, 120_000)
  })
