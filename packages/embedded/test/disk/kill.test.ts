import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"

const script = fileURLToPath(new URL("../utils/load.ts", import.meta.url))

/** How often a process is killed: DISCO_KILLS asks for more than a run of all tests has time for, and shows figures. */
const kills = Number(process.env.DISCO_KILLS ?? 6)

/** From so many kills on, some must have met a rewrite. */
const many = 50

/** The one that tsx brings. */
const esbuild: { readonly buildSync: (options: Readonly<Record<string, unknown>>) => void } = createRequire(
  createRequire(import.meta.url).resolve("tsx")
)("esbuild")

const built = mkdtempSync(join(tmpdir(), "disco-load-"))
const program = join(built, "load.mjs")

/** The program in one file, which starts in a fraction of the time. */
beforeAll(() => {
  const options = { bundle: true, format: "esm", platform: "node", conditions: ["development"] }
  esbuild.buildSync({ ...options, entryPoints: [script], outfile: program })
})

afterAll(() => rmSync(built, { recursive: true, force: true }))

/** Starts a process. The next one starts while the present one works. */
const start = (): ChildProcess => spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "pipe"] })

/** Runs the load in a folder and kills it some time after it is ready. Gives what it told, line by line. */
const runAndKill = (
  child: ChildProcess,
  options: { readonly dir: string; readonly appendfsync: string },
  after: number
) =>
  new Promise<ReadonlyArray<string>>((resolve, reject) => {
    const { stderr, stdin, stdout } = child
    if (stderr === null || stdin === null || stdout === null) return reject(new Error("no pipes"))
    const lines: Array<string> = []
    let errors = ""
    const tooLate = setTimeout(() => child.kill("SIGKILL"), 120_000)
    stderr.on("data", (chunk) => (errors += chunk))
    createInterface({ input: stdout }).on("line", (line) => {
      lines.push(line)
      if (line === "ready") setTimeout(() => child.kill("SIGKILL"), after)
    })
    child.on("error", reject)
    child.on("close", () => {
      clearTimeout(tooLate)
      if (lines.includes("ready")) resolve(lines)
      else reject(new Error(`the process was never ready: ${[...lines, errors].join("\n")}`))
    })
    stdin.write(JSON.stringify(options))
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
      let next = start()
      try {
        const must = new Set<string>()
        const mustNot = new Set<string>()
        const counts = { added: 0, acked: 0, kills: 0, "rewrites met": 0 }
        for (; counts.kills <= times; counts.kills++) {
          const child = next
          next = start()
          const lines = await runAndKill(child, { dir, appendfsync }, Math.random() * 300)
          if (existsSync(join(dir, "temp-rewriteaof-bg.aof"))) counts["rewrites met"]++
          const told = lines.map((line) => line.split(" ", 2) as [string, string])
          const found = new Set(told.flatMap(([what, id]) => (what === "found" ? [id] : [])))
          const missing = [...must].filter((id) => !found.has(id))
          const back = [...mustNot].filter((id) => found.has(id))
          assert.deepStrictEqual({ missing, back }, { missing: [], back: [] }, `after ${counts.kills} kills`)
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
        if (process.env.DISCO_KILLS !== undefined) process.stderr.write(`${appendfsync}: ${JSON.stringify(counts)}\n`)
        assert.isAbove(counts.added, times)
        assert.isAbove(counts.acked, times)
        if (times >= many) assert.isAbove(counts["rewrites met"], times / 10)
      } finally {
        next.kill("SIGKILL")
        rmSync(dir, { recursive: true, force: true })
      }
    })
  }
})
