/** How the page looks, and how it is used without a mouse. */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Page } from "playwright-core"
import { row, type Stage } from "./stage.js"

interface Violation {
  readonly id: string
  readonly nodes: ReadonlyArray<{ readonly html: string; readonly failureSummary?: string }>
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

/** Puts axe into a page, by CDP, which no policy of the page forbids. */
const loadAxe = (page: Page): Promise<void> => page.evaluate(axeSource)

/** What is wrong for people who use the page in another way. */
const violations = async (page: Page): Promise<ReadonlyArray<string>> => {
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      readonly axe: { run(options: object): Promise<{ readonly violations: ReadonlyArray<Violation> }> }
    }
    // There are no frames, and the HTML of a fault says where it is.
    return (await axe.run({ resultTypes: ["violations"], iframes: false, selectors: false })).violations
  })
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ failureSummary, html }) => `${id}: ${html}\n${failureSummary ?? ""}`)
  )
}

/** Goes to another screen, as a link does. */
const goTo = (page: Page, address: string): Promise<void> =>
  page.evaluate((hash) => {
    location.hash = hash
  }, address)

export const look = (stage: () => Stage) =>
  describe("the look of the page", () => {
    const places = async (): Promise<ReadonlyArray<readonly [string, (page: Page) => Promise<void>]>> => {
      const id = await stage().run(
        Effect.flatMap(DisquePool, (pool) =>
          pool.addJob("reports", '{"week":47,"parts":[1,2]}', { delay: "1 hour", ttl: "2 days" })
        )
      )
      return [
        ["/queues", (page) => row(page, "emails").waitFor()],
        ["/queues?view=groups", (page) => row(page, "images/").waitFor()],
        [
          "/queue?name=emails",
          async (page) => {
            await page.getByRole("region", { name: "Jobs by state" }).getByRole("img").first().waitFor()
            await page.getByRole("table", { name: "Jobs" }).waitFor()
          }
        ],
        [`/job?id=${encodeURIComponent(id)}`, (page) => page.getByRole("region", { name: "Timeline" }).waitFor()],
        ["/cluster", (page) => page.getByRole("img", { name: /^3 nodes/ }).waitFor()],
        ["/workers", (page) => page.getByRole("heading", { name: "Workers" }).waitFor()],
        [
          "/dead?queue=invoices",
          async (page) => {
            await page
              .getByRole("button", { name: /^failed .*attempt/ })
              .first()
              .click()
            await page.getByText(/^disco dead show/).waitFor()
          }
        ]
      ]
    }

    for (const [colorScheme, width] of [
      ["light", 1440],
      ["dark", 360]
    ] as const) {
      it(`has no fault that axe knows, in ${colorScheme} colors on a screen of ${width} px`, async () => {
        await stage().visit(
          "/nowhere",
          async (page) => {
            await page.setViewportSize({ width, height: 740 })
            await loadAxe(page)
            for (const [address, isReady] of await places()) {
              await goTo(page, address)
              await isReady(page)
              const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
              assert.isAtMost(excess, 0, `${address} is wider than the screen`)
              assert.deepStrictEqual(await violations(page), [], address)
            }
          },
          { colorScheme }
        )
      })
    }

    it("has no fault that axe knows in its windows", async () => {
      await stage().visit("/queue?name=emails", async (page) => {
        await loadAxe(page)
        for (const button of ["Pause…", "Add a test job…"]) {
          await page.getByRole("button", { name: button }).click()
          assert.deepStrictEqual(await violations(page), [], button)
          await page.keyboard.press("Escape")
          await page.getByRole("dialog").waitFor({ state: "detached" })
        }
      })
    })

    it("is light or dark as the system is, or as the viewer chose", async () => {
      const background = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
      await stage().visit("/queues", async (page) => {
        const light = await background(page)
        await page.emulateMedia({ colorScheme: "dark" })
        const dark = await background(page)
        assert.notStrictEqual(light, dark)
        await page.getByRole("button", { name: "Theme: as the system" }).click()
        assert.strictEqual(await background(page), light)
        await page.reload()
        await page.getByRole("button", { name: "Theme: light" }).waitFor()
        assert.strictEqual(await background(page), light)
        await page.emulateMedia({ colorScheme: "light" })
        await page.getByRole("button", { name: "Theme: light" }).click()
        assert.strictEqual(await background(page), dark)
      })
    })

    it("is used by the keyboard alone", async () => {
      await stage().visit("/queues", async (page) => {
        await row(page, "emails").waitFor()
        const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "")
        await page.keyboard.press("Tab")
        assert.strictEqual(await focused(), "Skip to the content")
        await page.keyboard.press("Enter")
        assert.strictEqual(await page.evaluate(() => document.activeElement?.id), "main")
        await page.keyboard.press("/")
        await page.keyboard.type("emails")
        await row(page, "orders:us").waitFor({ state: "detached" })
        await page.keyboard.press("Tab")
        await page.keyboard.press("j")
        await page.locator('[data-row="0"]:focus').waitFor()
        assert.strictEqual(await focused(), "emails")
        await page.keyboard.press("Enter")
        await page.getByRole("heading", { name: "emails" }).waitFor()
        await page.keyboard.press("?")
        await page.getByRole("dialog", { name: "Keys" }).waitFor()
        // Keys of the page do nothing behind a window.
        await page.keyboard.press("g")
        await page.keyboard.press("c")
        await page.keyboard.press("Escape")
        await page.getByRole("dialog").waitFor({ state: "detached" })
        await page.getByRole("heading", { name: "emails" }).waitFor()
        for (const [key, heading] of [
          ["c", "Cluster"],
          ["w", "Workers"],
          ["d", "Dead letters"],
          ["q", "Queues"]
        ] as const) {
          await page.keyboard.press("g")
          await page.keyboard.press(key)
          await page.getByRole("heading", { name: heading, level: 1 }).waitFor()
        }
      })
    })

    it("gives the focus back when a window closes, and shows where it is", async () => {
      await stage().visit("/queue?name=emails", async (page) => {
        const button = page.getByRole("button", { name: "Pause…" })
        await button.focus()
        await page.keyboard.press("Enter")
        await page.getByRole("dialog").waitFor()
        await page.keyboard.press("Escape")
        await page.getByRole("dialog").waitFor({ state: "detached" })
        await page.locator("button:focus", { hasText: "Pause…" }).waitFor()
        assert.strictEqual(await button.evaluate((element) => getComputedStyle(element).outlineStyle), "solid")
      })
    })
  })
