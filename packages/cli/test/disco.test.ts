import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { start } from "./utils/process.js"

// A process takes its time to start, more of it on a machine that does other things.
describe.concurrent("the disco command", { timeout: 120_000 }, () => {
  it("says in one sentence what is wrong, and ends with status 2", async () => {
    const result = await start(["demo", "--folder"]).ended
    assert.deepStrictEqual(result, { code: 2, stdout: "", stderr: "disco: --folder takes a value\n" })
  })

  it("serves nodes of one cluster until SIGTERM, and a second signal does not cut the end short", async () => {
    const { child, ended, shows } = start(["serve", "--port", "0", "--port", "0"])
    await shows("embedded Disque nodes of one cluster listen on 127.0.0.1:")
    child.kill("SIGTERM")
    child.kill("SIGTERM")
    const { code, stderr } = await ended
    assert.deepStrictEqual({ code, stderr }, { code: 143, stderr: "" })
  })

  it("ends the demo on SIGINT within 2 seconds, though it comes twice, and says what was given back", async () => {
    const folder = mkdtempSync(join(tmpdir(), "disco-command-"))
    writeFileSync(join(folder, "file"), "")
    try {
      const { child, ended, shows } = start(["demo", "--folder", folder])
      await shows("crashes with 1 job in its hands: file")
      const before = performance.now()
      child.kill("SIGINT")
      const again = setInterval(() => child.kill("SIGINT"), 1) // as npm does, which the terminal tells of it too
      const { code, stderr, stdout } = await ended
      clearInterval(again)
      assert.isBelow(performance.now() - before, 2000)
      assert.deepStrictEqual({ code, stderr }, { code: 130, stderr: "" })
      assert.match(stdout, /\nstopped: no job was in hand; 0 of 1 file done\n$/)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
