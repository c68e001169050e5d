import { DisqueConnection, DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { afterEach, vi } from "vitest"
import { DisqueServer } from "../src/index.js"

/** The module as it is in another environment. */
const within = async (server: string) => {
  vi.stubEnv("DISQUE_SERVER", server)
  vi.stubEnv("DISQUE_NODES", "")
  vi.resetModules()
  return import("../src/DisqueServer.js")
}

const errorOf = ({ layer }: typeof DisqueServer) =>
  Effect.runPromise(Effect.map(Effect.scoped(Effect.flip(Layer.build(layer()))), ({ message }) => message))

describe("DisqueServer", () => {
  afterEach(() => {
    vi.unstubAllEnvs()
    vi.resetModules()
  })

  it("says what to set where there is no server", async () => {
    const server = await within("")
    assert.isTrue(server.missing)
    assert.include(server.note, "skipped: set DISQUE_SERVER to the path of a disque-server, or DISQUE_NODES")
    assert.include(await errorOf(server), "there is no server to test with: set DISQUE_SERVER")
  })

  it("says what became of a server that does not start", async () => {
    const server = await within("/nowhere/disque-server")
    assert.deepStrictEqual([server.missing, server.note], [false, ""])
    assert.include(await errorOf(server), "ENOENT")
  })

  it.live.skipIf(DisqueServer.missing)(`gives a connection and a pool to a server that runs${DisqueServer.note}`, () =>
    Effect.gen(function* () {
      const disque = yield* DisqueConnection
      const queue = "disque-server-test"
      const id = yield* disque.addJob(queue, "hello", { ttl: "1 minute" })
      const job = yield* (yield* DisquePool).getJob(queue, { timeout: "5 seconds" })
      assert.strictEqual(job.id, id)
      yield* disque.ackJob(job)
    }).pipe(Effect.provide(DisqueServer.layer()))
  )
})
