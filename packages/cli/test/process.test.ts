import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { script, start } from "./utils/process.js"

/** A server that accepts connections and never answers. */
let silent: Server
let silentPort = 0

/** A real cluster of one embedded node, in a process of its own. */
let served: ReturnType<typeof start>
let port = 0

beforeAll(async () => {
  silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve))
  const address = silent.address()
  silentPort = typeof address === "object" && address !== null ? address.port : 0
  served = start(["serve", "--port", "0"])
  await served.shows("(Ctrl-C end")
  port = Number(/127\.0\.0\.1:(\d+)/.exec(served.out.stdout)?.[1])
})

afterAll(async () => {
  served.child.kill("SIGTERM")
  await served.ended
  silent.close()
})

const env = (more: Record<string, string> = {}) => ({ XDG_CONFIG_HOME: "/nowhere", ...more })

describe("the disco process", { timeout: 120_000 }, () => {
  it("talks to real nodes over sockets", async () => {
    const { code, stderr, stdout } = await start(
      ["ping", "--count", "2", "--json"],
      env({ DISQUE_NODES: `127.0.0.1:${port}` })
    ).ended
    assert.deepStrictEqual([code, stderr], [0, ""])
    const { nodes } = JSON.parse(stdout)
    assert.deepStrictEqual([nodes.length, nodes[0].answered, nodes[0].node], [1, 2, `127.0.0.1:${port}`])
  })

  it("says within the timeout that a node does not answer, and why", async () => {
    const { code, stderr, stdout } = await start(
      ["ping", "--timeout", "1s", "--nodes", `127.0.0.1:${silentPort}`],
      env()
    ).ended
    assert.deepStrictEqual([code, stdout], [1, ""])
    assert.match(stderr, new RegExp(`^disco: no node .*127\\.0\\.0\\.1:${silentPort} .*\\(from --nodes\\)\\n$`))
  })

  for (const [signal, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const) {
    it(`ends on ${signal} with status ${status}, and has said nothing on standard error`, async () => {
      const { child, ended, shows } = start(["latency", "--every", "200ms", "--nodes", `127.0.0.1:${port}`], env())
      await shows("MEDIAN")
      const before = performance.now()
      child.kill(signal)
      const { code, stderr } = await ended
      assert.deepStrictEqual([code, stderr], [status, ""])
      assert.isBelow(performance.now() - before, 2000)
    })
  }

  it("ends silently when the reader of its output does", async () => {
    const child = spawn(
      process.execPath,
      [script, "latency", "--every", "100ms", "--json", "--nodes", `127.0.0.1:${port}`],
      { stdio: ["ignore", "pipe", "pipe"] }
    )
    let stderr = ""
    child.stderr.on("data", (chunk) => (stderr += chunk))
    child.stdout.once("data", () => child.stdout.destroy())
    const code = await new Promise((resolve) => child.on("close", resolve))
    assert.deepStrictEqual([code, stderr], [0, ""])
  })

  it.skipIf(process.platform !== "linux")("shows no password in the process list", async () => {
    const { child, ended, out } = start(
      ["ping", "--timeout", "3s", "--nodes", `disque://:sesame@127.0.0.1:${silentPort}`],
      env()
    )
    const shown = () => readFileSync(`/proc/${child.pid}/cmdline`, "latin1")
    // The title is set once the program runs; before that, the arguments are those of Node.js.
    while (shown().includes("sesame")) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.include(shown(), "disco")
    await ended
    assert.notInclude(out.stdout + out.stderr, "sesame")
  })
})

describe("the completion of disco", { timeout: 120_000 }, () => {
  /** What bash offers for the last word of a line. */
  const complete = (file: string, ...line: ReadonlyArray<string>) => {
    const words = line.map((word) => `'${word}'`).join(" ")
    const asked = `source ${file}; COMP_WORDS=(${words}); COMP_CWORD=${line.length - 1}; _disco_bash_completions disco; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { status, stderr, stdout } = spawnSync("bash", ["-c", asked], { encoding: "utf8" })
    assert.deepStrictEqual([status, stderr], [0, ""])
    return stdout.trim().split("\n")
  }

  it.skipIf(spawnSync("bash", ["--version"]).status !== 0)("offers commands, options and words in bash", async () => {
    const { stdout } = await start(["--completions", "bash"], env()).ended
    const folder = mkdtempSync(join(tmpdir(), "disco-completion-"))
    try {
      const file = join(folder, "script")
      writeFileSync(file, stdout)
      assert.deepStrictEqual(complete(file, "disco", "queu"), ["queue", "queues"])
      assert.include(complete(file, "disco", "context", "u"), "use")
      assert.deepStrictEqual(complete(file, "disco", "queues", "--sa"), ["--sample"])
      assert.deepStrictEqual(complete(file, "disco", "queues", "--sort", "l"), ["length"])
      const options = complete(file, "disco", "ping", "--")
      for (const foreign of ["--wizard", "--log-level", "--completions"]) assert.notInclude(options, foreign)
      assert.include(options, "--help")
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it("makes scripts for zsh and fish without options that there are not", async () => {
    for (const shell of ["zsh", "fish"]) {
      const { code, stdout } = await start(["--completions", shell], env()).ended
      assert.strictEqual(code, 0)
      assert.include(stdout, "latency")
      assert.notMatch(stdout, /wizard|log-level/)
    }
  })
})
