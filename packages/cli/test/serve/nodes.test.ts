import { existsSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type Server } from "node:net"
import { networkInterfaces, tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { ask, connectTo } from "../utils/client.js"
import { start } from "../utils/process.js"

interface Shown {
  readonly port: number
  readonly id: string
  readonly state: string
  readonly error: string
}

const deadline = 30_000

const until = async (isSo: () => boolean | Promise<boolean>, what: string) => {
  const end = performance.now() + deadline
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${deadline} ms: ${what}`)
    await setTimeout(10)
  }
}

/** Runs `disco serve` with nodes at free ports and a control port, until `use` ends. */
const withServe = async (
  count: number,
  args: ReadonlyArray<string>,
  use: (served: {
    readonly ports: ReadonlyArray<number>
    readonly control: (method: string, path: string) => Promise<{ readonly status: number; readonly body: Shown }>
    readonly controlPort: number
    readonly out: { readonly stdout: string }
    readonly child: ReturnType<typeof start>["child"]
    readonly ended: ReturnType<typeof start>["ended"]
  }) => Promise<void>
) => {
  const ports = args.includes("--port") ? [] : Array.from({ length: count }, () => ["--port", "0"]).flat()
  const { child, ended, out, shows } = start(["serve", ...ports, "--control-port", "0", ...args])
  try {
    await shows("(Ctrl-C end")
    const controlPort = Number(/http:\/\/127\.0\.0\.1:(\d+)\/nodes/.exec(out.stdout)?.[1])
    const found = [...out.stdout.matchAll(/listening on 127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port))
    await use({
      ports: found,
      controlPort,
      control: async (method, path) => {
        const response = await fetch(`http://127.0.0.1:${controlPort}${path}`, { method })
        return { status: response.status, body: (await response.json()) as Shown }
      },
      out,
      child,
      ended
    })
  } finally {
    child.kill("SIGKILL")
    await ended
  }
}

const listen = (port: number) =>
  new Promise<Server>((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(port, "127.0.0.1", () => resolve(server))
  })

/** Ports that are free now, for nodes whose folders are named by them. */
const freePorts = async (count: number) => {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0)))
  const ports = servers.map((server) => {
    const address = server.address()
    return typeof address === "object" && address !== null ? address.port : 0
  })
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  return ports
}

const add = (queue: string, body: string) => ["ADDJOB", queue, body, "5000", "RETRY", "600", "REPLICATE", "1"]

const infoOf = async (port: number, name: string) =>
  new RegExp(`^${name}:(.*)\r$`, "m").exec(String((await ask(port, ["INFO"]))[0]))?.[1]

describe("the control port of disco serve", { timeout: 120_000 }, () => {
  it("kills one node, which refuses connections as a dead process does, while the others go on", () =>
    withServe(3, [], async ({ control, out, ports: [first = 0, second = 0, third = 0] }) => {
      const waiting = await connectTo(second)
      waiting.socket.write("GETJOB FROM none\r\n")
      const other = await connectTo(first)
      await ask(second, add("q", "lost"))
      const killed = await control("POST", `/nodes/${second}/kill`)
      assert.deepInclude(killed, { status: 200 })
      assert.deepInclude(killed.body, { port: second, state: "down" })
      await waiting.closed
      for (let i = 0; i < 20; i++) assert.strictEqual(await connectTo(second).catch(({ code }) => code), "ECONNREFUSED")
      const [id, jobs] = await ask(first, add("q", "here"), ["GETJOB", "NOHANG", "FROM", "q"])
      assert.deepStrictEqual(jobs, [["q", id, "here"]])
      assert.match(String((await ask(third, ["ADDJOB", "q", "both", "5000", "REPLICATE", "2"]))[0]), /^D-/)
      other.socket.write("PING\r\n")
      await until(() => other.received() === "+PONG\r\n", "a client of another node is answered")
      const known = String((await ask(first, ["CLUSTER", "NODES"]))[0])
      assert.match(known, new RegExp(`:${second} \\S+ .* disconnected`))
      const again = await control("POST", `/nodes/${second}/kill`)
      assert.deepInclude(again.body, { state: "down" })
      assert.include(out.stdout, `kill, by the control port: the node at 127.0.0.1:${second} is down`)
      other.socket.destroy()
    }))

  it("restarts a node in memory at the same port: empty, with its id, as a server without a file", () =>
    withServe(2, [], async ({ control, ports: [first = 0, second = 0] }) => {
      const logAll = ["CONFIG", "SET", "slowlog-log-slower-than", "0"]
      const [before, added] = await ask(second, ["CLUSTER", "MYID"], add("q", "lost"), ["CONFIG", "RESETSTAT"], logAll)
      const slowBefore = ["PING", "slow before the restart"]
      const slowLog = ["SLOWLOG", "GET", "1000"]
      assert.include(JSON.stringify(await ask(second, slowBefore, slowLog)), "slow before")
      const runId = await infoOf(second, "run_id")
      await control("POST", `/nodes/${second}/kill`)
      const restarted = await control("POST", `/nodes/${second}/restart`)
      assert.deepInclude(restarted, { status: 200 })
      assert.deepInclude(restarted.body, { port: second, id: String(before), state: "up" })
      const [after, shown, length, scan, [[client], info, slow]] = await Promise.all([
        ask(second, ["CLUSTER", "MYID"]).then(([id]) => id),
        ask(second, ["SHOW", String(added)]).then(([job]) => job),
        ask(second, ["QLEN", "q"]).then(([count]) => count),
        ask(second, ["JSCAN"]).then(([page]) => page),
        Promise.all([ask(second, ["CLIENT", "LIST"]), infoOf(second, "uptime_in_seconds"), ask(second, slowLog)])
      ])
      assert.deepStrictEqual([after, shown, length, scan], [before, null, 0, ["0", []]])
      assert.match(String(client), /^id=\d addr=/)
      assert.isBelow(Number(info), 5)
      assert.notInclude(JSON.stringify(slow), "slow before")
      assert.notStrictEqual(await infoOf(second, "run_id"), runId)
      assert.strictEqual(await infoOf(second, "registered_jobs"), "0")
      await until(async () => {
        const known = String((await ask(first, ["CLUSTER", "NODES"]))[0])
        return new RegExp(`:${second} noflags .* connected`).test(known)
      }, "the other node trusts it again")
      assert.match(String((await ask(first, ["ADDJOB", "q", "both", "5000", "REPLICATE", "2"]))[0]), /^D-/)
    }))

  it("restarts a node with a folder: its jobs are back, and what was acknowledged is not", async () => {
    const dir = await mkdtemp(join(tmpdir(), "disco-control-"))
    try {
      const ports = await freePorts(2)
      const [first = 0, second = 0] = ports
      const args = ports.flatMap((port) => ["--port", String(port)])
      await withServe(2, [...args, "--dir", dir], async ({ control }) => {
        const [id, kept, done] = await ask(second, ["CLUSTER", "MYID"], add("q", "kept"), add("done", "done"))
        await ask(second, ["GETJOB", "FROM", "done"], ["ACKJOB", String(done)])
        for (let i = 0; i < 3; i++) {
          await control("POST", `/nodes/${second}/kill`)
          assert.strictEqual(await connectTo(second).catch(({ code }) => code), "ECONNREFUSED")
          const { body } = await control("POST", `/nodes/${second}/restart`)
          assert.deepInclude(body, { id: String(id), state: "up" })
          const [length, gone] = await ask(second, ["QLEN", "q"], ["SHOW", String(done)])
          assert.deepStrictEqual([length, gone], [1, null])
        }
        const [jobs] = await ask(second, ["GETJOB", "NOHANG", "FROM", "q"])
        assert.deepStrictEqual(jobs, [["q", kept, "kept"]])
        assert.strictEqual((await ask(first, ["PING"]))[0], "PONG")
      })
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })

  it("restarts a node that a client ended by SHUTDOWN, and the process goes on for as long as one is up", () =>
    withServe(2, [], async ({ control, ended, out, ports: [first = 0, second = 0] }) => {
      const shutDown = async (port: number) => {
        await ask(port, ["SHUTDOWN"]).catch(() => {})
        await until(
          () =>
            connectTo(port).then(
              () => false,
              ({ code }) => code === "ECONNREFUSED"
            ),
          "it refuses"
        )
      }
      await shutDown(second)
      await control("POST", `/nodes/${second}/restart`)
      await shutDown(first)
      assert.strictEqual((await ask(second, ["PING"]))[0], "PONG")
      await control("POST", `/nodes/${first}/restart`)
      await shutDown(second)
      assert.strictEqual((await ask(first, ["PING"]))[0], "PONG")
      await ask(first, ["SHUTDOWN"]).catch(() => {})
      assert.strictEqual((await ended).code, 0)
      assert.strictEqual(out.stdout.match(/by SHUTDOWN/g)?.length, 4)
    }))

  it("says why a node cannot be restarted: its port was taken meanwhile", () =>
    withServe(2, [], async ({ control, ports: [first = 0, second = 0] }) => {
      await control("POST", `/nodes/${second}/kill`)
      const thief = await listen(second)
      const { body, status } = await control("POST", `/nodes/${second}/restart`)
      assert.strictEqual(status, 500)
      assert.strictEqual(body.error, `port ${second} is in use: choose another one with --port`)
      const { body: shown } = await control("GET", "/nodes")
      assert.deepStrictEqual(
        (shown as unknown as ReadonlyArray<Shown>).map(({ state }) => state),
        ["up", "down"]
      )
      await new Promise((done) => thief.close(done))
      assert.deepInclude((await control("POST", `/nodes/${second}/restart`)).body, { state: "up" })
      assert.strictEqual((await ask(second, ["PING"]))[0], "PONG")
      assert.strictEqual((await ask(first, ["PING"]))[0], "PONG")
    }))

  it("takes the Unix socket away and brings it back with its node", async () => {
    const dir = await mkdtemp(join(tmpdir(), "disco-control-"))
    try {
      const path = join(dir, "disque.sock")
      await withServe(1, ["--unixsocket", path], async ({ control, ports: [port = 0] }) => {
        await control("POST", `/nodes/${port}/kill`)
        assert.isFalse(existsSync(path))
        await control("POST", `/nodes/${port}/restart`)
        const client = await connectTo(path)
        client.socket.write("PING\r\n")
        await until(() => client.received() === "+PONG\r\n", "the node answers at its socket")
        client.socket.destroy()
      })
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })

  it("freezes a node, which accepts connections and answers nothing, and says what it cannot do", () =>
    withServe(1, [], async ({ control, ports: [port = 0] }) => {
      await control("POST", `/nodes/${port}/freeze`)
      const client = await connectTo(port)
      client.socket.write("PING\r\n")
      await setTimeout(200)
      assert.strictEqual(client.received(), "")
      await control("POST", `/nodes/${port}/thaw`)
      await until(() => client.received() === "+PONG\r\n", "it answers after the thaw")
      await control("POST", `/nodes/${port}/kill`)
      for (const deed of ["freeze", "thaw"]) {
        const { body, status } = await control("POST", `/nodes/${port}/${deed}`)
        assert.deepStrictEqual([status, body.error], [409, `the node at port ${port} is down: restart it first`])
      }
      const wrong = await control("POST", "/nodes/1/kill")
      assert.deepStrictEqual([wrong.status, wrong.body.error], [404, `no node has port 1: there are ${port}`])
      const asked = await control("GET", `/nodes/${port}/kill`)
      assert.deepStrictEqual(
        [asked.status, asked.body.error],
        [404, "ask for GET /nodes or POST /nodes/PORT/kill|restart|freeze|thaw"]
      )
    }))

  const elsewhere = [
    ...(process.platform === "linux" ? ["127.0.0.2"] : []),
    ...Object.values(networkInterfaces()).flatMap((all) =>
      (all ?? []).flatMap(({ address, family, internal }) => (internal || family !== "IPv4" ? [] : [address]))
    )
  ]

  it.skipIf(elsewhere.length === 0)("listens at the loopback address alone, even where the node listens at all", () =>
    withServe(1, ["--port", "0", "--bind", "0.0.0.0", "--insecure"], async ({ controlPort, out }) => {
      const port = Number(/listening on 0\.0\.0\.0:(\d+)/.exec(out.stdout)?.[1])
      for (const host of elsewhere) {
        ;(await connectTo(port, host)).socket.destroy()
        assert.strictEqual(await connectTo(controlPort, host).catch(({ code }) => code), "ECONNREFUSED")
      }
    })
  )
})
