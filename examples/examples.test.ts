import { execFile, spawn } from "node:child_process"
import { readdir, readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { build } from "esbuild"

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** How a program of this folder is started: with all that it imports in one file, it starts in a fraction of the time. */
const bundled = (name: string) => [here(`build/bundle/${name.replace(/ts$/, "mjs")}`)]

beforeAll(async () => {
  const names = (await readdir(here("."))).filter((name) => /^[^.]+\.ts$/.test(name))
  await build({
    entryPoints: names.map(here),
    outdir: here("build/bundle"),
    bundle: true,
    splitting: true,
    format: "esm",
    outExtension: { ".js": ".mjs" },
    platform: "node",
    target: "node20",
    logLevel: "warning",
    define: { "import.meta.dirname": JSON.stringify(here(".")) },
    banner: {
      js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);'
    }
  })
})

const run = async (name: string, args: ReadonlyArray<string> = bundled(name)) => {
  const { stderr, stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: here("."),
    env: { ...process.env, DISQUE_NODES: "" }
  })
  assert.strictEqual(stderr, "")
  return stdout
}

// A process takes its time to start, more of it on a machine that does other things.
describe.concurrent("the examples", { timeout: 120_000 }, () => {
  it("hello.ts adds a job, gets it, and is told when no other comes", async () => {
    assert.strictEqual(
      await run("hello.ts", ["--import", "tsx", here("hello.ts")]),
      'got hello\nno job came from "greetings" within 100ms\n'
    )
  })

  it("funnel.ts sends a job and receives it", async () => {
    assert.strictEqual(await run("funnel.ts"), "hello\n")
  })

  it("forEach.ts puts back the job of a handler that fails, and handles the job when it comes again", async () => {
    const lines = (await run("forEach.ts")).trim().split("\n")
    assert.include(lines[0], "a handler failed, and its job goes back: not yet")
    assert.strictEqual(lines[1], "hello, at last")
  })

  it("emails.ts sends a typed payload and receives it", async () => {
    assert.strictEqual(await run("emails.ts"), "Hello, ada@example.com\n")
  })
})

// A process takes seconds to start where the machine is busy.
describe("the examples of work", { timeout: 120_000 }, () => {
  it("webhooks.ts tries again what fails, and gives up what is gone", async () => {
    assert.sameMembers((await run("webhooks.ts")).trim().split("\n"), [
      "attempt 1 for order paid failed",
      "sent order paid",
      "attempt 1 for order sent failed",
      "given up: StatusCode: non 2xx status code (410 POST https://gone.example/hook)"
    ])
  })

  it("giveUp.ts tries again what is busy, and gives up at once what never can be done", async () => {
    const lines = (await run("giveUp.ts")).trim().split("\n")
    assert.sameMembers(lines.slice(0, 4), ["charge ", "charge expired", "charge valid", "charge valid"])
    assert.sameMembers(lines.slice(4), [
      "given up after 1: no card",
      "given up after 1: Declined",
      "given up after 2: Busy"
    ])
  })

  it("fanOut.ts counts the lines of files, a job each", async () => {
    assert.strictEqual(await run("fanOut.ts"), "6 lines in 3 files\n")
  })

  it("shutdown.ts ends after its grace when it is told to, and puts back what is not done", async () => {
    const child = spawn(process.execPath, bundled("shutdown.ts"), { cwd: here("."), stdio: "pipe" })
    let out = ""
    let isTold = false
    child.stdout.on("data", (chunk) => {
      out += chunk
      if (isTold || !out.includes("long: begun")) return
      isTold = true
      child.kill("SIGTERM")
    })
    const code = await new Promise((resolve) => child.on("close", resolve))
    assert.include([0, 130, 143], code)
    for (const line of ["short: done", "long: interrupted, goes back to the queue", "2 jobs are in the queue"]) {
      assert.include(out, line)
    }
    assert.notInclude(out, "next: begun")
  })

  it("steady.ts adds jobs and does them, until it is told to end", async () => {
    const child = spawn(process.execPath, bundled("steady.ts"), {
      cwd: here("."),
      env: { ...process.env, DISQUE_NODES: "" },
      stdio: "pipe"
    })
    let out = ""
    child.stdout.on("data", (chunk) => {
      out += chunk
      if (out.includes("did number 2\n")) child.kill("SIGTERM")
    })
    const code = await new Promise((resolve) => child.on("close", resolve))
    assert.include([0, 130, 143], code)
    assert.match(out, /^did number 1\ndid number 2\n/)
  })
})

describe("the README", () => {
  it("shows programs that are files here, to the letter", async () => {
    const readme = await readFile(here("../README.md"), "utf8")
    for (const name of ["hello.ts", "funnel.ts", "testing/emails.test.ts", "emails.ts"]) {
      const source = await readFile(here(name), "utf8")
      assert.include(readme, `\`\`\`ts\n${source}\`\`\``, name)
    }
  })
})
