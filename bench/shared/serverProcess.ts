/** A server in a process of its own, which logs when it takes clients, as Redis and Disque do. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import type { Address } from "./target.js"

export interface ServerProcess {
  readonly node: Address
  /** What it logged until it took clients. */
  readonly log: string
  readonly close: () => Promise<void>
}

/** A Disque server takes the port that is so much higher for the bus, and starts on none that has no such port. */
const busOffset = 10_000

const freePort = async (): Promise<number> => {
  for (;;) {
    const server = createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    const address = server.address()
    server.close()
    await once(server, "close")
    if (typeof address === "object" && address !== null && address.port + busOffset < 2 ** 16) return address.port
  }
}

/** Waits until the server takes clients, and gives what it logged until then. */
const untilReady = (server: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let log = ""
    server.stdout?.setEncoding("utf8").on("data", (text: string) => {
      log += text
      if (/ready to accept connections/i.test(log)) resolve(log)
    })
    server.once("error", reject)
    server.once("exit", () => reject(new Error(`The server ended:\n${log}`)))
  })

/** Starts a server on a free port of this machine, with its files in a folder. */
export const spawnServer = async (path: string, args: ReadonlyArray<string>, dir: string): Promise<ServerProcess> => {
  const port = await freePort()
  const server = spawn(path, ["--port", String(port), "--bind", "127.0.0.1", "--dir", dir, ...args], {
    stdio: ["ignore", "pipe", "ignore"],
    cwd: dir
  })
  const ended = once(server, "exit")
  ended.catch(() => {})
  const log = await untilReady(server)
  return {
    node: { host: "127.0.0.1", port },
    log,
    close: async () => {
      server.kill("SIGKILL")
      await ended
    }
  }
}
