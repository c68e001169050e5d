import { readFileSync, writeFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { connectTo as client } from "../utils/client.js"
import { start } from "../utils/process.js"

const startServe = async (args: ReadonlyArray<string>, env: Record<string, string> = {}) => {
  const started = start(["serve", "--port", "0", ...args], env)
  await started.shows("(Ctrl-C end")
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(started.out.stdout)?.[1])
  return { ...started, port }
}

const until = async (isSo: () => boolean) => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** The events of the log, of which every line has to be one of JSON. */
const events = (stdout: string) =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))

describe("the process of disco serve", { timeout: 120_000 }, () => {
  for (const [signal, status] of [
    ["SIGTERM", 143],
    ["SIGINT", 130]
  ] as const) {
    it(`on ${signal} answers what it has, closes clients that are idle or wait, and ends within 2 seconds`, async () => {
      const { child, ended, port } = await startServe([])
      const [busy, idle, waiting] = await Promise.all([client(port), client(port), client(port)])
      waiting.socket.write("PING\r\nGETJOB FROM none\r\n")
      await until(() => waiting.received() === "+PONG\r\n")
      const count = 2000
      busy.socket.write("ADDJOB q body 0 RETRY 60\r\n".repeat(count))
      await until(() => busy.received().length > 0)
      const before = performance.now()
      child.kill(signal)
      const again = setInterval(() => child.kill(signal), 20)
      await Promise.all([busy.closed, idle.closed, waiting.closed])
      const { code, stderr } = await ended
      clearInterval(again)
      assert.isBelow(performance.now() - before, 2000)
      assert.deepStrictEqual({ code, stderr }, { code: status, stderr: "" })
      assert.strictEqual(busy.received().match(/\+D-[^\r]*\r\n/g)?.length, count)
      assert.strictEqual(waiting.received(), "+PONG\r\n")
      assert.strictEqual(idle.received(), "")
    })
  }

  it("accepts no more clients once it ends, and cuts off those that do not go", async () => {
    const { child, ended, port, shows } = await startServe([])
    const stubborn = await client(port, "127.0.0.1", true)
    stubborn.socket.write("PING\r\n")
    await until(() => stubborn.received() === "+PONG\r\n")
    const before = performance.now()
    child.kill("SIGTERM")
    await shows("SIGTERM: ")
    const refused = await client(port).then(
      () => "accepted",
      (error) => error.code
    )
    assert.strictEqual(refused, "ECONNREFUSED")
    const { code, stderr } = await ended
    const took = performance.now() - before
    assert.deepStrictEqual({ code, stderr }, { code: 143, stderr: "" })
    assert.isAbove(took, 900)
    assert.isBelow(took, 2000)
    stubborn.socket.destroy()
  })

  it("ends with status 0 when clients have ended all nodes by SHUTDOWN", async () => {
    const { ended, out, port } = await startServe(["--log-format", "json", "--port", "0"])
    const ports = [...out.stdout.matchAll(/"address":"127\.0\.0\.1:(\d+)"/g)].map(([, found]) => Number(found))
    assert.strictEqual(ports[0], port)
    for (const each of ports) (await client(each)).socket.write("SHUTDOWN\r\n")
    const { code, stderr, stdout } = await ended
    assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
    const said = events(stdout).map(({ event }) => event)
    assert.deepStrictEqual(said, ["start", "listening", "listening", "ready", "shutdown", "shutdown", "end"])
  })

  it("logs a line of JSON for each event, the least of them only if it is told to", async () => {
    const { child, ended, port } = await startServe(["--log-format", "json", "--maxclients", "1"])
    const [first, second] = [await client(port), await client(port)]
    await second.closed
    assert.strictEqual(second.received(), "-ERR max number of clients reached\r\n")
    child.kill("SIGTERM")
    await first.closed
    const said = events((await ended).stdout)
    assert.deepStrictEqual(
      said.map(({ event, level }) => [event, level]),
      [
        ["start", "notice"],
        ["listening", "notice"],
        ["ready", "notice"],
        ["client limit", "warning"],
        ["signal", "notice"],
        ["end", "notice"]
      ]
    )
    for (const { message, time } of said) {
      assert.isString(message)
      assert.isFalse(Number.isNaN(Date.parse(time)))
    }
    const quiet = start(["serve", "--port", "0", "--loglevel", "warning", "--host", "0.0.0.0", "--insecure"])
    await quiet.shows("\n")
    quiet.child.kill("SIGTERM")
    assert.match((await quiet.ended).stdout, /^\S+ warning no password is set[^\n]*\n$/)
  })

  it("says in one line what keeps it from starting, and ends with status 1", async () => {
    const result = await start(["serve", "--bind", "0.0.0.0"]).ended
    assert.strictEqual(result.code, 1)
    assert.strictEqual(result.stdout, "")
    assert.match(result.stderr, /^disco: 0\.0\.0\.0 would let other machines in without a password: .*\n$/)
  })

  it.skipIf(process.platform !== "linux")("shows no password in the process list", async () => {
    const folder = await mkdtemp(join(tmpdir(), "disco-process-"))
    try {
      const file = join(folder, "password")
      writeFileSync(file, "sesame\n")
      for (const [args, env] of [
        [["--requirepass", "sesame"], {}],
        [["--requirepass-file", file], {}],
        [[], { DISCO_REQUIREPASS: "sesame" }]
      ] as const) {
        const { child, ended, out, port } = await startServe(args, env)
        assert.notInclude(readFileSync(`/proc/${child.pid}/cmdline`, "latin1"), "sesame")
        const asking = await client(port)
        asking.socket.write("PING\r\nAUTH sesame\r\n")
        await until(() => asking.received() === "-NOAUTH Authentication required.\r\n+OK\r\n")
        asking.socket.destroy()
        child.kill("SIGTERM")
        await ended
        assert.notInclude(out.stdout + out.stderr, "sesame")
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it("shows its help for serve in sentences, without starting anything", async () => {
    const { code, stderr, stdout } = await start(["serve", "--port", "0", "--help"]).ended
    assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
    assert.match(
      stdout,
      /^Run a Disque node .*\nUsage\n {2}disco serve \[options\]\n.*\nWhere the node listens\n {2}--port PORT +The port /s
    )
  })
})
