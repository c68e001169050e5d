/** Redis, where REDIS_SERVER is the path of a redis-server. */
import { execFileSync } from "node:child_process"
import type { Disk } from "./nodesOptions.js"
import { type ServerProcess, spawnServer } from "./serverProcess.js"

/** The path of a redis-server; undefined if there is none. */
export const redisPath = (): string | undefined => process.env.REDIS_SERVER || undefined

export const redisVersion = (path: string): string =>
  /v=(\S+)/.exec(execFileSync(path, ["--version"], { encoding: "utf8" }))?.[1] ?? "of unknown version"

/** Starts a server that keeps its data in a folder, or in memory alone. */
export const startRedis = (path: string, disk: Disk | undefined, dir: string): Promise<ServerProcess> => {
  const aof = ["--appendonly", "yes", "--appendfsync", disk?.appendfsync ?? "", "--auto-aof-rewrite-percentage", "0"]
  return spawnServer(path, ["--save", "", ...(disk === undefined ? ["--appendonly", "no"] : aof)], dir)
}
