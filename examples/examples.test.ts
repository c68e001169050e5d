import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))

const run = async (name: string) => {
  const { stderr, stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", here(name)], {
    cwd: here("."),
    env: { ...process.env, DISQUE_NODES: "" }
  })
  assert.strictEqual(stderr, "")
  return stdout
}

// A process takes its time to start, more of it on a machine that does other things.
describe.concurrent("the examples", { timeout: 30_000 }, () => {
  it("hello.ts adds a job, gets it, and is told when no other comes", async () => {
    assert.strictEqual(await run("hello.ts"), 'got hello\nno job came from "greetings" within 100ms\n')
  })

  it("funnel.ts sends a job and receives it", async () => {
    assert.strictEqual(await run("funnel.ts"), "hello\n")
  })

  it("emails.ts sends a typed payload and receives it", async () => {
    assert.strictEqual(await run("emails.ts"), "Hello, ada@example.com\n")
  })
})

describe("the README", () => {
  it("shows programs that are files here, to the letter", async () => {
    const readme = await readFile(here("../README.md"), "utf8")
    for (const name of ["hello.ts", "funnel.ts", "funnel.test.ts", "retry.test.ts", "emails.ts"]) {
      const source = await readFile(here(name), "utf8")
      assert.include(readme, `\`\`\`ts\n${source}\`\`\``, name)
    }
  })
})
