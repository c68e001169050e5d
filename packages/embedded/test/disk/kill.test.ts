import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const script = fileURLToPath(new URL("../utils/load.ts", import.meta.url))

/** How often a process is killed: DISCO_KILLS asks for more than a run of all tests has time for. */
const kills = Number(process.env.DISCO_KILLS ?? 6)

/** Runs the load in a folder and kills it some time after it is ready. Gives what it told, line by line. */
const runAndKill = (dir: string, appendfsync: string, after: number) =>
  new Promise<ReadonlyArray<string>>((resolve, reject) => {
    const args = ["--conditions=development", "--import", "tsx", script, dir, appendfsync]
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] })
    const lines: Array<string> = []
    let stderr = ""
    const tooLate = setTimeout(() => child.kill("SIGKILL"), 30_000)
    child.stderr.on("data", (chunk) => (stderr += chunk))
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line)
      if (line === "ready") setTimeout(() => child.kill("SIGKILL"), after)
    })
    child.on("error", reject)
    child.on("close", () => {
      clearTimeout(tooLate)
      if (lines.includes("ready")) resolve(lines)
      else reject(new Error(`the process was never ready: ${[...lines, stderr].join("\n")}`))
    })
  })

describe("a process that is killed under load while its file is written anew", () => {
  for (const [appendfsync, times] of [
    ["always", kills],
    ["everysec", Math.ceil(kills / 2)]
  ] as const) {
    it(`loses no job that it acknowledged, and brings back none that was acknowledged to it: ${appendfsync}`, {
      timeout: times * 20_000
    }, async () => {
      const dir = mkdtempSync(join(tmpdir(), "disco-kill-"))
      try {
        const must = new Set<string>()
        const mustNot = new Set<string>()
        const counts = { added: 0, acked: 0 }
        for (let kill = 0; kill <= times; kill++) {
          const lines = await runAndKill(dir, appendfsync, Math.random() * 300)
          const told = lines.map((line) => line.split(" ", 2) as [string, string])
          const found = new Set(told.flatMap(([what, id]) => (what === "found" ? [id] : [])))
          const missing = [...must].filter((id) => !found.has(id))
          const back = [...mustNot].filter((id) => found.has(id))
          assert.deepStrictEqual({ missing, back }, { missing: [], back: [] }, `after ${kill} kills`)
          assert.deepStrictEqual(
            lines.filter((line) => line.startsWith("unexpected")),
            []
          )
          for (const [what, id] of told) {
            if (what === "added") must.add(id)
            if (what === "acking") must.delete(id)
            if (what === "acked") mustNot.add(id)
            if (what === "added" || what === "acked") counts[what]++
          }
        }
        assert.isAbove(counts.added, times)
        assert.isAbove(counts.acked, times)
      } finally {
        rmSync(dir, { recursive: true, force: true })
      }
    })
  }
})
