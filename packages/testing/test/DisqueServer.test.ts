import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { DisqueConnection, DisquePool } from "@disco/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { DisqueServer } from "../src/index.js"

const program = fileURLToPath(new URL("utils/realServer.ts", import.meta.url))

/** What a process tells of its layer, in another environment. */
const told = async (env: Readonly<Record<string, string>>) => {
  const args = ["--conditions=development", "--import", "tsx", program]
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { PATH: process.env.PATH ?? "", ...env }
  })
  return JSON.parse(stdout) as { readonly missing: boolean; readonly note: string; readonly error?: string }
}

describe("DisqueServer", () => {
  it("says what to set where there is no server", async () => {
    const { error, missing, note } = await told({})
    assert.isTrue(missing)
    assert.include(note, "skipped: set DISQUE_SERVER to the path of a disque-server, or DISQUE_NODES")
    assert.include(error, "there is no server to test with: set DISQUE_SERVER")
  })

  it("says what became of a server that does not start", async () => {
    const { error, missing, note } = await told({ DISQUE_SERVER: "/nowhere/disque-server" })
    assert.deepStrictEqual([missing, note], [false, ""])
    assert.include(error, "ENOENT")
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
