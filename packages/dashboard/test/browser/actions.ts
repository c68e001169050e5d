/** What the page changes, and what became of it on the nodes. */
import { Cluster, DisquePool, Job } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Page } from "playwright-core"
import { giveUp } from "./demo.js"
import { row, type Stage, tile } from "./stage.js"

const dialog = (page: Page) => page.getByRole("dialog")

const closeDialog = async (page: Page) => {
  await dialog(page).getByRole("button", { name: "Close", exact: true }).last().click()
  await dialog(page).waitFor({ state: "detached" })
}

const queueOf = (name: string) =>
  Effect.map(Cluster.queues({ pattern: name }), ({ queues }) => queues.find((queue) => queue.name === name))

const add = (queue: string, body = "it") => Effect.flatMap(DisquePool, (pool) => pool.addJob(queue, body))

export const actions = (stage: () => Stage) =>
  describe("changes", () => {
    it("pauses a queue on every node, shows what each node says, and lets it go on", async () => {
      await stage().run(add("to-pause"))
      await stage().visit("/queue?name=to-pause", async (page) => {
        await page.getByRole("button", { name: "Pause…" }).click()
        await dialog(page).getByRole("radio", { name: /^Out/ }).check()
        await dialog(page).getByText("disco pause to-pause out").waitFor()
        await dialog(page).getByRole("button", { name: "Pause", exact: true }).click()
        await dialog(page).getByText("Paused out, on every node.").waitFor()
        for (const { address } of stage().nodes) {
          await dialog(page).getByRole("listitem").filter({ hasText: address }).getByText("not paused → out").waitFor()
        }
        const paused = await stage().run(queueOf("to-pause"))
        assert.deepStrictEqual(
          paused?.pauses.map(({ pause }) => pause),
          ["out", "out", "out"]
        )
        await closeDialog(page)
        await page.getByRole("button", { name: "Resume…" }).click()
        await dialog(page).getByRole("button", { name: "Let it go on" }).click()
        await dialog(page).getByText("The queue goes on, on every node.").waitFor()
        const resumed = await stage().run(queueOf("to-pause"))
        assert.strictEqual(resumed?.pause, "none")
      })
    })

    it("pauses a queue from the list", async () => {
      await stage().run(add("listed"))
      await stage().visit("/queues?search=listed", async (page) => {
        await row(page, "listed").hover()
        await page.getByRole("button", { name: "Pause or resume listed" }).click()
        await dialog(page).getByRole("button", { name: "Pause", exact: true }).click()
        await dialog(page).getByText("Paused out, on every node.").waitFor()
        await closeDialog(page)
        await row(page, "listed").getByText("out on 3 nodes").waitFor()
      })
    })

    it("adds a job with its options, and leads to it", async () => {
      await stage().visit("/queue?name=added", async (page) => {
        await page.getByRole("button", { name: "Add a test job…" }).click()
        await dialog(page).getByLabel("Body").fill('{"hello":"world"}')
        await dialog(page).getByLabel("Delay, s").fill("600")
        await dialog(page).getByText(`disco add --delay 600s added '{"hello":"world"}'`).waitFor()
        await dialog(page).getByRole("button", { name: "Add the job" }).click()
        await dialog(page).getByRole("link", { name: "Open the job" }).click()
        await page.getByText('"world"').first().waitFor()
        const id = new URLSearchParams(new URL(page.url()).hash.split("?")[1]).get("id") ?? ""
        const shown = await stage().show(id)
        assert.strictEqual(shown?.queue, "added")
        assert.strictEqual(shown && Job.text({ body: shown.body ?? new Uint8Array() }), '{"hello":"world"}')
      })
    })

    it("says why a job is refused, and keeps what was typed", async () => {
      await stage().run(Effect.zipRight(add("full"), Cluster.pause("full", "in")))
      await stage().visit(
        "/queue?name=full",
        async (page) => {
          await page.getByRole("button", { name: "Add a test job…" }).click()
          await dialog(page).getByLabel("Body").fill("refused")
          await dialog(page).getByRole("button", { name: "Add the job" }).click()
          await dialog(page)
            .getByRole("status")
            .filter({ hasText: /paused/i })
            .waitFor()
        },
        { errors: /502/ }
      )
    })

    const jobChange = (button: string, deed: string, check: (stage: Stage, id: string) => Promise<void>) =>
      it(`does to a job what it says: ${deed.toLowerCase()}`, async () => {
        const queue = `job-${deed.toLowerCase()}`
        const id = await stage().run(add(queue))
        if (deed === "Enqueue" || deed === "Nack") await stage().run(take(queue))
        await stage().visit(`/job?id=${encodeURIComponent(id)}`, async (page) => {
          await page.getByRole("button", { name: button }).click()
          const confirm = dialog(page).getByRole("button", { name: deed, exact: true })
          if (deed === "Acknowledge" || deed === "Delete") {
            assert.isTrue(await confirm.isDisabled())
            await dialog(page).getByRole("textbox").fill("another name")
            assert.isTrue(await confirm.isDisabled())
            await dialog(page).getByRole("textbox").fill(queue)
          }
          await confirm.click()
          await dialog(page).getByText("Done.").waitFor()
          await dialog(page).getByRole("listitem").filter({ hasText: id }).waitFor()
          await check(stage(), id)
        })
      })

    const take = (queue: string) => Effect.flatMap(DisquePool, (pool) => pool.getJob(queue, { timeout: "2 seconds" }))

    jobChange("Enqueue…", "Enqueue", async (stage, id) => {
      assert.strictEqual((await stage.show(id))?.state, "queued")
    })
    jobChange("Nack…", "Nack", async (stage, id) => {
      const job = await stage.show(id)
      assert.strictEqual(job?.state, "queued")
      assert.strictEqual(job?.nacks, 1)
    })
    jobChange("Acknowledge…", "Acknowledge", async (stage, id) => {
      assert.notStrictEqual((await stage.show(id))?.state, "queued")
    })
    jobChange("Delete…", "Delete", async (stage, id) => {
      assert.isUndefined(await stage.show(id))
    })

    it("redrives one letter, then all, and purges only after the name was typed", async () => {
      await stage().run(giveUp("receipts"))
      const letters = async () => (await stage().run(queueOf("receipts.dead")))?.length ?? 0
      const before = await letters()
      await stage().visit("/dead?queue=receipts", async (page) => {
        await page
          .getByRole("checkbox", { name: /^Choose the letter/ })
          .first()
          .check()
        await page.getByRole("button", { name: "Redrive 1…" }).click()
        await dialog(page).getByRole("button", { name: "Redrive", exact: true }).click()
        await dialog(page).getByText("1 job is in the queue again.").waitFor()
        assert.strictEqual(await letters(), before - 1)
        await closeDialog(page)
        await page.getByRole("button", { name: "crashed", exact: true }).waitFor()
        await page.getByRole("button", { name: "undecodable", exact: true }).click()
        await page.getByRole("button", { name: "Redrive all that fit…" }).click()
        await dialog(page).getByRole("button", { name: "Redrive", exact: true }).click()
        await dialog(page)
          .getByText(/in the queue again/)
          .waitFor()
        await closeDialog(page)
        await page.getByRole("button", { name: "All", exact: true }).click()
        await page.getByRole("button", { name: "Purge all…" }).click()
        const purge = dialog(page).getByRole("button", { name: "Purge", exact: true })
        assert.isTrue(await purge.isDisabled())
        await dialog(page).getByRole("textbox").fill("receipts")
        await purge.click()
        await dialog(page)
          .getByText(/deleted, with the jobs in them/)
          .waitFor()
        assert.strictEqual(await letters(), 0)
        await closeDialog(page)
        await page.getByText("No dead letters").waitFor()
      })
    })

    it("drains a node until it is safe to stop, and lets it stay", async () => {
      const node = stage().nodes[2]
      if (node === undefined) throw new Error("The demo has three nodes.")
      await stage().visit("/cluster", async (page) => {
        const card = page.getByRole("region", { name: `Node ${node.address}` })
        await card.getByRole("button", { name: `Drain ${node.address}` }).click()
        await dialog(page).getByRole("textbox").fill(node.address)
        await dialog(page).getByRole("button", { name: "Drain", exact: true }).click()
        await dialog(page).getByText("is leaving", { exact: true }).waitFor()
        await closeDialog(page)
        await card.getByText("It is safe to stop.").waitFor()
        await card.getByRole("button", { name: `Let it stay: ${node.address}` }).click()
        await dialog(page).getByRole("button", { name: "Let it stay" }).click()
        await dialog(page).getByText("The node takes jobs again.").waitFor()
        await closeDialog(page)
        await card.getByText("up", { exact: true }).waitFor()
        await tile(page, "Nodes up").getByText("3 of 3").waitFor()
      })
    })

    it("offers no change where nothing may be changed", async () => {
      const id = await stage().run(add("looked-at"))
      await stage().visitReadOnly("/queue?name=looked-at", async (page) => {
        await tile(page, "Length").getByText("1", { exact: true }).waitFor()
        await page.getByText("read-only").waitFor()
        assert.strictEqual(await page.getByRole("button", { name: /Pause|Add a|Redrive|Purge/ }).count(), 0)
        await page.goto(`${page.url().split("#")[0]}#/job?id=${encodeURIComponent(id)}`)
        await page.getByRole("region", { name: "Timeline" }).waitFor()
        assert.strictEqual(await page.getByRole("button", { name: /Enqueue|Nack|Acknowledge|Delete/ }).count(), 0)
      })
    })
  })
