import { EmbeddedDisque } from "@disco/embedded"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { control } from "../src/control.js"

interface Shown {
  readonly port: number
  readonly state: string
}

const withControl = (
  use: (ask: (method: string, path: string, headers?: Record<string, string>) => Promise<Response>) => Promise<void>
) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const disque = yield* EmbeddedDisque.make({ ports: [7711, 7712] })
      const port = yield* control(disque, 0)
      yield* Effect.promise(() =>
        use((method, path, headers = {}) => fetch(`http://127.0.0.1:${port}${path}`, { method, headers }))
      )
    }).pipe(Effect.scoped, Effect.provide([NodeContext.layer, Logger.remove(Logger.defaultLogger)]))
  )

describe("the control of nodes", () => {
  it("kills, restarts, freezes and thaws one node, and shows the states of all", () =>
    withControl(async (ask) => {
      const states = async () => {
        const nodes = (await (await ask("GET", "/nodes")).json()) as ReadonlyArray<Shown>
        return nodes.map(({ port, state }) => `${port} ${state}`)
      }
      assert.deepStrictEqual(await states(), ["7711 up", "7712 up"])
      for (const [deed, state] of [
        ["kill", "down"],
        ["restart", "up"],
        ["freeze", "frozen"],
        ["thaw", "up"]
      ]) {
        const reply = await ask("POST", `/nodes/7712/${deed}`)
        assert.strictEqual(((await reply.json()) as Shown).state, state)
        assert.deepStrictEqual(await states(), ["7711 up", `7712 ${state}`])
      }
    }))

  it("says what can be asked for", () =>
    withControl(async (ask) => {
      const said = async (method: string, path: string) => {
        const reply = await ask(method, path)
        return [reply.status, await reply.json()]
      }
      assert.deepStrictEqual(await said("POST", "/nodes/9/kill"), [
        404,
        { error: "no node has port 9: there are 7711, 7712" }
      ])
      assert.deepStrictEqual(await said("POST", "/nodes/7711/eat"), [
        404,
        { error: "a node can be told to kill, restart, freeze, thaw, not eat" }
      ])
      assert.deepStrictEqual(await said("GET", "/"), [
        404,
        { error: "ask for GET /nodes or POST /nodes/PORT/kill|restart|freeze|thaw" }
      ])
    }))

  it("does nothing for a page of a browser", () =>
    withControl(async (ask) => {
      const reply = await ask("POST", "/nodes/7711/kill", { origin: "http://example.org" })
      assert.strictEqual(reply.status, 403)
      const [first] = (await (await ask("GET", "/nodes")).json()) as ReadonlyArray<Shown>
      assert.strictEqual(first?.state, "up")
    }))
})
