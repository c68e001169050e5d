/** Names and bodies that somebody else chose, to do harm or by accident. */
import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { row, type Stage } from "./stage.js"

const script = `<img src=x onerror="document.title='taken'"><script>document.title='taken'</script>`

const add = (queue: string, body: string | Uint8Array) => Effect.flatMap(DisquePool, (pool) => pool.addJob(queue, body))

const jobOf = (id: string): string => `/job?id=${encodeURIComponent(id)}`

export const hostile = (stage: () => Stage) =>
  describe("what somebody else chose", () => {
    const names = [
      ["a script", script, script],
      ["characters that control", "bell\u0007 and\u001b[31m red", "bell\\x07 and\\x1b[31m red"],
      ["marks that turn the direction", "gpj.\u202eexe", "gpj.\\u{202e}exe"],
      ["a slash, a percent sign and a hash", "a/b%2Fc#d?e&f=g", "a/b%2Fc#d?e&f=g"],
      ["letters from right to left", "עברית", "עברית"]
    ] as const
    for (const [what, name, shown] of names) {
      it(`shows a queue whose name has ${what}, as text`, async () => {
        await stage().run(add(name, "it"))
        await stage().visit("/queues", async (page) => {
          await page.getByRole("searchbox").fill(name.slice(0, 8))
          await row(page, shown).getByRole("link").click()
          await page.getByRole("heading", { name: shown }).waitFor()
          await page.getByRole("region", { name: "Jobs", exact: true }).getByText("it", { exact: true }).waitFor()
          assert.notStrictEqual(await page.title(), "taken")
          await page.reload()
          await page.getByRole("heading", { name: shown }).waitFor()
        })
      })
    }

    it("shows a script in a body as text, wherever the body is shown", async () => {
      const id = await stage().run(add("scripts", JSON.stringify({ html: script, "</script>": script })))
      await stage().visit("/queue?name=scripts", async (page) => {
        await page.getByRole("region", { name: "Jobs", exact: true }).getByText("onerror").waitFor()
        await page.goto(`${page.url().split("#")[0]}#${jobOf(id)}`)
        await page.getByRole("region", { name: "Body", exact: true }).getByText("onerror").first().waitFor()
        await page.getByRole("button", { name: "Text", exact: true }).click()
        await page.getByRole("region", { name: "Body", exact: true }).getByText("onerror").waitFor()
        assert.notStrictEqual(await page.title(), "taken")
        assert.strictEqual(await page.locator("main img").count(), 0)
      })
    })

    it("shows bytes that are not UTF-8 byte for byte", async () => {
      const id = await stage().run(add("bytes", Uint8Array.of(0xff, 0xfe, 0x00, 0x41)))
      await stage().visit(jobOf(id), async (page) => {
        await page.getByText("4 B, not UTF-8").waitFor()
        await page.getByText(/ff fe 00 41/).waitFor()
        assert.strictEqual(await page.getByRole("button", { name: "Text", exact: true }).count(), 0)
      })
    })

    it("shows what cannot be seen in a body", async () => {
      const id = await stage().run(add("unseen", "zero\u200bwidth, null\u0000, and \u2066turned\u2069\nsecond line"))
      await stage().visit(jobOf(id), async (page) => {
        await page.getByText("zero\\u{200b}width, null\\x00, and \\u{2066}turned\\u{2069}").waitFor()
      })
    })

    it("shows a megabyte of JSON, and JSON that is nested ten thousand deep, and stays responsive", async () => {
      const rows = Array.from({ length: 9000 }, (_, i) => ({
        id: i,
        name: `row ${i}`,
        tags: ["a", "b"],
        text: "x".repeat(40)
      }))
      const large = await stage().run(add("large", JSON.stringify({ rows })))
      const deep = await stage().run(add("deep", `${"[".repeat(10_000)}${"]".repeat(10_000)}`))
      await stage().visit(jobOf(large), async (page) => {
        const body = page.getByRole("region", { name: "Body", exact: true })
        await body.waitFor()
        await body.getByRole("button", { name: /^rows/ }).click()
        await body.getByRole("button", { name: /^Show more \(8,900 left\)/ }).waitFor()
        assert.isBelow(await page.locator("*").count(), 5000)
        await page.goto(`${page.url().split("#")[0]}#${jobOf(deep)}`)
        await body.getByText("1 item").first().waitFor()
      })
    })

    it("shows a name of sixty thousand characters without breaking the page, and says why it has no screen", async () => {
      const name = "long".repeat(15_000)
      const id = await stage().run(add(name, "it"))
      await stage().visit("/queues?search=longlong", async (page) => {
        await page.locator("tbody .cell-link").first().waitFor()
        const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        assert.isAtMost(excess, 0)
        assert.isBelow((await page.locator("tbody").textContent())?.length ?? 0, 1000)
        await page.locator("tbody .cell-link").click()
        await page.getByRole("heading", { name: "The name of this queue is too long for a page" }).waitFor()
        await page.getByText("It has 60,000 characters").waitFor()
        await page.reload()
        await page.getByText("It has 60,000 characters").waitFor()
        await page.getByRole("link", { name: "Dead letters" }).click()
        await page.getByRole("heading", { name: "Dead letters" }).waitFor()
        await page.goto(`${page.url().split("#")[0]}#${jobOf(id)}`)
        await page.getByRole("region", { name: "Timeline" }).waitFor()
        const long = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        assert.isAtMost(long, 0)
      })
    })
  })
