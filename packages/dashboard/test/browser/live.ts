/** What happens while somebody looks: jobs, nodes, sessions, other viewers. */
import { DisquePool } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cell, row, type Stage, tile } from "./stage.js"

const add = (queue: string) => Effect.flatMap(DisquePool, (pool) => pool.addJob(queue, "it"))

export const live = (stage: () => Stage) =>
  describe("while somebody looks", () => {
    it("shows to two viewers what happens, without a reload", async () => {
      await stage().visit("/queues?search=seen-by", async (page) => {
        await stage().visit("/queue?name=seen-by-two", async (other) => {
          await page.getByText("No queue fits").waitFor()
          await stage().run(add("seen-by-two"))
          await (await cell(page, "seen-by-two", "Length")).getByText("1", { exact: true }).waitFor()
          await tile(other, "Length").getByText("1", { exact: true }).waitFor()
          await stage().run(add("seen-by-two"))
          await (await cell(page, "seen-by-two", "Length")).getByText("2", { exact: true }).waitFor()
          await tile(other, "Length").getByText("2", { exact: true }).waitFor()
        })
      })
    })

    it("says which node does not answer, and goes on when it is back", async () => {
      const node = stage().nodes[1]
      if (node === undefined) throw new Error("The demo has three nodes.")
      await stage().visit("/cluster", async (page) => {
        await tile(page, "Nodes up").getByText("3 of 3").waitFor()
        await stage().run(Effect.flatMap(EmbeddedDisque, ({ kill }) => kill(node)))
        await page.getByText("Not all nodes answer").waitFor()
        await page.getByRole("status").filter({ hasText: node.address }).waitFor()
        await tile(page, "Nodes up").getByText("2 of 3").waitFor()
        await stage().run(Effect.flatMap(EmbeddedDisque, ({ restart }) => restart(node)))
        await page.getByText("Not all nodes answer").waitFor({ state: "detached" })
        await tile(page, "Nodes up").getByText("3 of 3").waitFor()
      })
    })

    it("says that no node answers, which were tried, since when and why; and recovers by itself", async () => {
      const all = (change: (it: EmbeddedDisque.Service) => EmbeddedDisque.Service["kill"]) =>
        stage().run(
          Effect.flatMap(EmbeddedDisque, (it) => Effect.forEach(stage().nodes, change(it), { discard: true }))
        )
      await stage().visit("/queues", async (page) => {
        await page.getByRole("table", { name: "Queues" }).waitFor()
        await all(({ kill }) => kill)
        await page.getByRole("heading", { name: "No node answers" }).waitFor()
        for (const { address } of stage().nodes) {
          const tried = page.getByRole("listitem").filter({ hasText: address })
          await tried.getByText(/^for \d+/).waitFor()
          assert.match((await tried.textContent()) ?? "", /refused|connect/i)
        }
        await all(({ restart }) => restart)
        await page.getByRole("heading", { name: "No node answers" }).waitFor({ state: "detached" })
        await stage().run(add("after-the-fall"))
        await page.getByRole("searchbox").fill("after-the-fall")
        await row(page, "after-the-fall").waitFor()
      })
    })

    it("says that its server does not answer, and goes on once it does", async () => {
      await stage().visit(
        "/queues",
        async (page) => {
          await page.getByRole("table", { name: "Queues" }).waitFor()
          await page.context().setOffline(true)
          stage().cutConnections()
          await page.getByText("The connection to the dashboard's server is lost.").waitFor()
          await page.context().setOffline(false)
          await page.getByText("The connection to the dashboard's server is lost.").waitFor({ state: "detached" })
          await page.getByText(/^live, /).waitFor()
        },
        { errors: /ERR_INTERNET_DISCONNECTED|ERR_INCOMPLETE_CHUNKED|net::/ }
      )
    })
  })
