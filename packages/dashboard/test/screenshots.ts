/** Makes the pictures of the documents: each screen over the demo, light and dark. `npm run screenshots` runs it. */
import { mkdirSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { DisquePool } from "@disco/core"
import { Effect, Fiber } from "effect"
import type { Page } from "playwright-core"
import { launch } from "./browser/chromium.js"
import { life } from "./browser/demo.js"
import { Stage } from "./browser/stage.js"

const folder = fileURLToPath(new URL("../../../docs/images/", import.meta.url))
mkdirSync(folder, { recursive: true })

const browser = await launch()
if (typeof browser === "string") throw new Error(browser)
const stage = await Stage.open(browser)
const living = await stage.run(Effect.forkDaemon(life))
const id = await stage.run(
  Effect.flatMap(DisquePool, (pool) =>
    pool.addJob(
      "reports",
      JSON.stringify({
        week: 47,
        of: "sales",
        to: ["ada@example.com"],
        parts: [{ kind: "table", rows: 120 }, { kind: "chart" }]
      }),
      { delay: "45 minutes", ttl: "2 days", retry: "5 minutes" }
    )
  )
)

const screens: ReadonlyArray<readonly [string, string, (page: Page) => Promise<void>]> = [
  ["queues", "/queues", (page) => page.getByRole("table", { name: "Queues" }).waitFor()],
  ["queue", "/queue?name=emails", (page) => page.locator("canvas").first().waitFor()],
  ["job", `/job?id=${encodeURIComponent(id)}`, (page) => page.getByRole("region", { name: "Timeline" }).waitFor()],
  ["cluster", "/cluster", (page) => page.getByRole("img", { name: /^3 nodes/ }).waitFor()],
  ["workers", "/workers", (page) => page.getByRole("table", { name: "Workers" }).waitFor()],
  ["dead-letters", "/dead?queue=invoices", (page) => page.getByRole("checkbox").first().waitFor()]
]

// Figures are taken often only while somebody looks, and the lines want something to show.
await stage.visit("/queues", (page) => page.waitForTimeout(240_000))
for (const [name, address, isReady] of screens) {
  for (const colorScheme of ["light", "dark"] as const) {
    await stage.visit(
      address,
      async (page) => {
        await page.setViewportSize({ width: 1280, height: 800 })
        await isReady(page)
        await page.waitForTimeout(1000)
        const session = await page.context().newCDPSession(page)
        const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 82 })
        writeFileSync(`${folder}dashboard-${name}-${colorScheme}.webp`, Buffer.from(data, "base64"))
      },
      { colorScheme }
    )
  }
}
await stage.run(Fiber.interrupt(living))
await stage.close()
await browser.close()
