/** What each screen shows. */
import { DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cell, row, type Stage, tile } from "./stage.js"

export const screens = (stage: () => Stage) =>
  describe("the screens", () => {
    it("lists all queues with their figures, those with trouble first", async () => {
      await stage().visit("/queues", async (page) => {
        await tile(page, "Queues").getByText(/^\d+$/).waitFor()
        const emails = row(page, "emails")
        await emails.getByText("no consumers").first().waitFor()
        await (await cell(page, "emails", "Length")).getByText("40", { exact: true }).waitFor()
        const names = await page.locator("tbody .cell-link").allTextContents()
        const badges = await page
          .locator("tbody tr.row")
          .evaluateAll((rows) => rows.map((each) => each.textContent?.includes("no consumers") === true))
        assert.include(names, "orders:us")
        assert.strictEqual(badges.indexOf(false), badges.lastIndexOf(true) + 1)
        await page.getByText(/Rates and lines since start/).waitFor()
      })
    })

    it("keeps search, filter and order in the address, which can be shared and reloaded", async () => {
      await stage().visit("/queues", async (page) => {
        await page.getByRole("searchbox").fill("image")
        await page.getByRole("button", { name: "Length", exact: true }).click()
        await row(page, "orders:us").waitFor({ state: "detached" })
        await page.waitForURL((url) => /search=image/.test(url.hash) && /order=length/.test(url.hash))
        const shared = new URL(page.url()).hash.slice(1)
        await stage().visit(shared, async (other) => {
          await row(other, "images/resize").waitFor()
          assert.strictEqual(await other.getByRole("searchbox").inputValue(), "image")
          assert.strictEqual(await row(other, "emails").count(), 0)
          assert.strictEqual(
            await other.getByRole("columnheader", { name: "Length" }).getAttribute("aria-sort"),
            "descending"
          )
        })
        await page.reload()
        await row(page, "images/resize").waitFor()
        assert.strictEqual(await row(page, "emails").count(), 0)
        await page.getByRole("searchbox").fill("no such queue")
        await page.getByRole("link", { name: "Show all queues" }).click()
        await row(page, "emails").waitFor()
      })
    })

    it("groups queues by the beginning of their names", async () => {
      await stage().visit("/queues", async (page) => {
        await page.getByRole("button", { name: "By prefix" }).click()
        const images = row(page, "images/")
        await images.getByRole("cell").first().waitFor()
        await images.getByRole("link").click()
        await row(page, "images/resize").waitFor()
        assert.strictEqual(await row(page, "emails").count(), 0)
      })
    })

    it("shows a queue: figures, a chart, its next jobs, its jobs by state, and its nodes", async () => {
      await stage().visit("/queue?name=emails", async (page) => {
        await page.getByRole("heading", { name: "emails" }).waitFor()
        await tile(page, "Length").getByText("40", { exact: true }).waitFor()
        await page.getByRole("region", { name: "Chart" }).locator("canvas").first().waitFor()
        const jobs = page.getByRole("region", { name: "Jobs", exact: true })
        await jobs.getByText('"to":"ada@example.com"').first().waitFor()
        await page.getByRole("region", { name: "Jobs by state" }).getByRole("img", { name: "40 of 40" }).waitFor()
        const nodes = page.getByRole("table", { name: "Figures per node" }).getByRole("rowheader")
        await nodes.first().waitFor()
        const known = stage().nodes.map(({ address }) => address)
        for (const address of await nodes.allTextContents()) assert.include(known, address)
        await jobs.getByRole("button", { name: "Acknowledged" }).click()
        await jobs.getByText("No acknowledged job is known").waitFor()
        await page.waitForURL(/jobs=acked/)
        await page.getByText("disco queue emails").waitFor()
      })
    })

    it("says that a queue is not known, and shows it once it is there", async () => {
      await stage().visit("/queue?name=later", async (page) => {
        await page.getByText("No node knows this queue").waitFor()
        await stage().run(Effect.flatMap(DisquePool, (pool) => pool.addJob("later", "here")))
        await tile(page, "Length").getByText("1", { exact: true }).waitFor()
      })
    })

    it("shows a job: what happened and what will happen, its copies, and its body as JSON, text and bytes", async () => {
      const id = await stage().run(
        Effect.flatMap(DisquePool, (pool) =>
          pool.addJob("reports", '{"week":47,"big":12345678901234567890,"parts":[{"name":"a"}]}', {
            delay: "1 hour",
            ttl: "2 days"
          })
        )
      )
      await stage().visit(`/job?id=${encodeURIComponent(id)}`, async (page) => {
        const timeline = page.getByRole("region", { name: "Timeline" })
        await timeline.getByText(/^created|^added/i).waitFor()
        await timeline.getByText(/in 59m|in 1h/).waitFor()
        const body = page.getByRole("region", { name: "Body", exact: true })
        // A double would make 12345678901234567000 of it.
        await body.getByText("12345678901234567890").waitFor()
        await body.getByRole("button", { name: /^parts/ }).click()
        await body.getByText('"a"').waitFor({ state: "detached" })
        await body.getByRole("button", { name: "Text", exact: true }).click()
        await body.getByText('{"week":47').waitFor()
        await body.getByRole("button", { name: "Hex", exact: true }).click()
        await body.getByText(/00000000 {2}7b 22 77 65 65 6b/).waitFor()
        await page.getByText(`disco show ${id}`).waitFor()
        await page.getByText(/3 of 3, on/).waitFor()
      })
    })

    it("says that a job is not known", async () => {
      await stage().visit("/job?id=D-dcb833cf-8YL1NT17e9%2BwsA%2F09NqxscQI-05a1", async (page) => {
        await page.getByText("No node knows this job").waitFor()
      })
    })

    it("finds a job by its id", async () => {
      const id = await stage().run(Effect.flatMap(DisquePool, (pool) => pool.addJob("found", "it")))
      await stage().visit("/queues", async (page) => {
        await page.getByRole("searchbox").fill(id)
        await page.getByRole("searchbox").press("Enter")
        await page.getByRole("heading", { name: id }).waitFor()
      })
    })

    it("shows the nodes of the cluster, by their own word and as the others see them", async () => {
      await stage().visit("/cluster", async (page) => {
        await tile(page, "Nodes up").getByText("3 of 3").waitFor()
        for (const { address } of stage().nodes) {
          const node = page.getByRole("region", { name: `Node ${address}` })
          await node.getByText("up", { exact: true }).waitFor()
          await node.getByText(/[\d.]+ ms$/).waitFor()
          await node.getByText(/^[\d.,]+ [KM]iB/).waitFor()
        }
        await page.getByRole("img", { name: /^3 nodes: / }).waitFor()
      })
    })

    it("lists dead letters with their reasons, and shows what is in them", async () => {
      await stage().visit("/dead", async (page) => {
        await row(page, "invoices").getByRole("link").click()
        const letters = page.getByRole("region", { name: "Dead letters" })
        await letters.getByText("7 letters of 7").waitFor()
        await page.getByRole("button", { name: "undecodable", exact: true }).click()
        await letters.getByText("1 letter of 7").waitFor()
        await page.waitForURL(/reason=undecodable/)
        await letters.getByRole("button", { name: /undecodable/ }).click()
        await letters.getByText('"4006"').first().waitFor()
        await letters.getByText(/^disco dead show invoices D-/).waitFor()
        await page.getByRole("button", { name: "All", exact: true }).click()
        await page.getByRole("searchbox").fill("etimedout")
        await letters.getByText("2 letters of 7").waitFor()
      })
    })

    it("says that there is no such page", async () => {
      await stage().visit("/nowhere", async (page) => {
        await page.getByRole("heading", { name: "There is no such page" }).waitFor()
        await page.getByRole("link", { name: "Show the queues" }).click()
        await page.getByRole("heading", { name: "Queues" }).waitFor()
      })
    })
  })
