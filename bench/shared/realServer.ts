/** A real server on disk, where DISQUE_SERVER is the path of a disque-server. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import type { Disk } from "./nodesOptions.js"
import type { Address } from "./target.js"

export interface RealServer {
  readonly node: Address
  /** How long it loaded its jobs, in milliseconds. */
  readonly loadMillis: number
  readonly close: () => Promise<void>
}

/** A server takes the port that is so much higher for the bus, and starts on none that has no such port. */
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
      if (log.includes("ready to accept connections")) resolve(log)
    })
    server.once("error", reject)
    server.once("exit", () => reject(new Error(`The server ended:\n${log}`)))
  })

/** The path of a disque-server; undefined if there is none. */
export const serverPath = (): string | undefined => process.env.DISQUE_SERVER || undefined

/** Starts a server that keeps its jobs in a folder, or in memory alone. */
export const startServer = async (path: string, disk: Disk | undefined, dir: string): Promise<RealServer> => {
  const port = await freePort()
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", dir]
  const aof = ["--appendonly", "yes", "--aof-enqueue-jobs-once", "yes", "--auto-aof-rewrite-percentage", "0"]
  if (disk !== undefined) args.push(...aof, "--appendfsync", disk.appendfsync)
  const server = spawn(path, args, { stdio: ["ignore", "pipe", "ignore"], cwd: dir })
  const ended = once(server, "exit")
  ended.catch(() => {})
  const log = await untilReady(server)
  const [, seconds = "0"] = /DB loaded from append only file: ([\d.]+) seconds/.exec(log) ?? []
  return {
    node: { host: "127.0.0.1", port },
    loadMillis: Number(seconds) * 1000,
    close: async () => {
      server.kill("SIGKILL")
      await ended
    }
  }
}
