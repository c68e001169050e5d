import { spawn } from "node:child_process"
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { script } from "./utils/process.js"

const written = fileURLToPath(new URL("../../embedded/test/data/aof/queued.aof", import.meta.url))

const aof = (deed: string, file: string) =>
  new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const child = spawn(process.execPath, [script, "aof", deed, file], {
      stdio: ["ignore", "pipe", "pipe"]
    })
    const out = { stdout: "", stderr: "" }
    child.stdout.on("data", (chunk) => (out.stdout += chunk))
    child.stderr.on("data", (chunk) => (out.stderr += chunk))
    child.on("close", (code) => resolve({ code, ...out }))
  })

const inFolder = async (use: (folder: string, file: string) => Promise<void>) => {
  const folder = mkdtempSync(join(tmpdir(), "disco-aof-"))
  try {
    const file = join(folder, "disque.aof")
    copyFileSync(written, file)
    await use(folder, file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

// A process takes its time to start, more of it on a machine that does other things.
describe.concurrent("disco aof", { timeout: 120_000 }, () => {
  it("says of a file that a server wrote that it is whole", () =>
    inFolder(async (_, file) => {
      const { code, stderr, stdout } = await aof("check", file)
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
      assert.match(stdout, /^\S+ is whole\n {2}size {7}[\d,]+ bytes\n {2}records {4}\d+: /)
    }))

  it("checks and fixes a damaged file", () =>
    inFolder(async (_, file) => {
      const bytes = readFileSync(file)
      const damaged = Buffer.concat([bytes, Buffer.from("\0\0\0")])
      writeFileSync(file, damaged)
      const checked = await aof("check", file)
      assert.strictEqual(checked.code, 1)
      assert.include(checked.stdout, `damaged    3 bytes from byte ${bytes.length} on: "\\x00\\x00\\x00"`)
      assert.strictEqual(
        checked.stderr,
        `disco: ${file} is damaged at byte ${bytes.length}, and 0 records can be read after it: "disco aof fix ${file}" keeps a copy and leaves out the 3 bytes that cannot be read\n`
      )
      const fixed = await aof("fix", file)
      assert.strictEqual(fixed.code, 0)
      assert.include(fixed.stdout, `The file as it was is ${file}.bak.\n`)
      assert.deepStrictEqual(readFileSync(file), bytes)
      assert.deepStrictEqual(readFileSync(`${file}.bak`), damaged)
    }))

  it("says in one line what is wrong with a path, and changes nothing", () =>
    inFolder(async (folder) => {
      const result = await aof("fix", folder)
      const stderr = `disco: ${folder}: it is a folder: name the file in it, disque.aof\n`
      assert.deepStrictEqual(result, { code: 1, stdout: "", stderr })
      assert.deepStrictEqual(readdirSync(folder), ["disque.aof"])
    }))
})
