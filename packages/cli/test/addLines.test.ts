import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { script, start } from "./utils/process.js"

/** A node in a process of its own. */
let served: ReturnType<typeof start>
let nodes = ""

beforeAll(async () => {
  served = start(["serve", "--port", "0"])
  await served.shows("(Ctrl-C end")
  nodes = /127\.0\.0\.1:\d+/.exec(served.out.stdout)?.[0] ?? ""
}, 120_000)

afterAll(async () => {
  served.child.kill("SIGTERM")
  await served.ended
})

const adding = (queue: string) => {
  const child = spawn(process.execPath, [script, "add", queue, "--lines", "--nodes", nodes], {
    env: { ...process.env, XDG_CONFIG_HOME: "/nowhere" }
  })
  const out = { stdout: "", stderr: "" }
  child.stdout.on("data", (chunk) => {
    out.stdout += chunk
  })
  child.stderr.on("data", (chunk) => {
    out.stderr += chunk
  })
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, ...out }))
  return { child, ended, out }
}

/** The most memory that a process has had so far, in MiB. */
const peakOf = (pid: number | undefined): number =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024

const until = async (isTrue: () => boolean) => {
  for (let i = 0; i < 2400 && !isTrue(); i++) await new Promise((resolve) => setTimeout(resolve, 50))
  assert.isTrue(isTrue())
}

describe("disco add --lines", { timeout: 240_000 }, () => {
  it("waits on SIGINT for what is under way, though more lines may come, and says which line was the last", async () => {
    const { child, ended, out } = adding("interrupted")
    child.stdin.write("one\ntwo\nthree")
    await until(() => out.stdout.split("\n").length === 3)
    const before = performance.now()
    child.kill("SIGINT")
    const { code, stderr, stdout } = await ended
    assert.isBelow(performance.now() - before, 1800)
    assert.strictEqual(code, 130)
    assert.match(
      stderr,
      /^disco: stopped: line 2 was the last, and no line behind it was added\ndisco: 2 jobs added in /
    )
    assert.strictEqual(stdout.trimEnd().split("\n").length, 2)
  })

  it.runIf(process.platform === "linux")("takes no more memory for many lines than for few", async () => {
    const { child, ended, out } = adding("many")
    const some = `${Array.from({ length: 100 }, () => "x".repeat(20_000)).join("\n")}\n`
    const write = async () => {
      if (!child.stdin.write(some)) await once(child.stdin, "drain")
    }
    const printed = () => (out.stdout.match(/\n/g) ?? []).length
    for (let i = 0; i < 5; i++) await write()
    await until(() => printed() === 500)
    const few = peakOf(child.pid)
    // 200 MB of lines.
    for (let i = 0; i < 100; i++) await write()
    await until(() => printed() === 10_500)
    const many = peakOf(child.pid)
    child.stdin.end()
    const { code, stderr, stdout } = await ended
    assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
    assert.strictEqual(new Set(stdout.trimEnd().split("\n")).size, 10_500)
    assert.isBelow(many - few, 100)
  })
})
