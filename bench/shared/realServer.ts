/** Real servers, where DISQUE_SERVER is the path of a disque-server. */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import type { Disk } from "./nodesOptions.js"
import { type ServerProcess, spawnServer } from "./serverProcess.js"
import { WireClient } from "./wire.js"

export interface RealServer extends ServerProcess {
  /** How long it loaded its jobs, in milliseconds. */
  readonly loadMillis: number
}

/** The path of a disque-server; undefined if there is none. */
export const serverPath = (): string | undefined => process.env.DISQUE_SERVER || undefined

/** Starts a server that keeps its jobs in a folder, or in memory alone. */
export const startServer = async (path: string, disk: Disk | undefined, dir: string): Promise<RealServer> => {
  const aof = ["--appendonly", "yes", "--aof-enqueue-jobs-once", "yes", "--auto-aof-rewrite-percentage", "0"]
  const server = await spawnServer(path, disk === undefined ? [] : [...aof, "--appendfsync", disk.appendfsync], dir)
  const [, seconds = "0"] = /DB loaded from append only file: ([\d.]+) seconds/.exec(server.log) ?? []
  return { ...server, loadMillis: Number(seconds) * 1000 }
}

/** Starts servers that are one cluster, each in a folder of its own below `dir`. */
export const startCluster = async (
  path: string,
  count: number,
  dir: string
): Promise<readonly [RealServer, ...ReadonlyArray<RealServer>]> => {
  const start = (i: number) => {
    const folder = join(dir, `node-${i}`)
    mkdirSync(folder, { recursive: true })
    return startServer(path, undefined, folder)
  }
  const first = await start(0)
  const others = await Promise.all(Array.from({ length: count - 1 }, (_, i) => start(i + 1)))
  const client = await WireClient.connect(first.node.host, first.node.port)
  for (const { node } of others) await client.ask("CLUSTER", "MEET", node.host, String(node.port))
  // A node does not count itself.
  while (!(await client.ask("CLUSTER", "INFO")).includes(`cluster_reachable_nodes:${count - 1}\r`)) await setTimeout(50)
  client.close()
  return [first, ...others]
}
