/** When, where and with what was measured. */
import { createRequire } from "node:module"
import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from "node:os"
import type { Target } from "./target.js"
import { WireClient } from "./wire.js"

const require = createRequire(import.meta.url)

const versionOf = (name: string): string => {
  const { version } = require(`${name}/package.json`) as { readonly version: string }
  return `${name} ${version}`
}

const versions = (): string =>
  [`Node.js ${process.versions.node}`, ...["effect", "ioredis", "thunk-disque", "disqueue-node"].map(versionOf)].join(
    ", "
  )

const serverOf = async ({ kind, nodes }: Target): Promise<string> => {
  const count = nodes.length === 1 ? "one node" : `${nodes.length} nodes`
  if (kind === "embedded") return `${count}, embedded, in a process of their own`
  const client = await WireClient.connect(nodes[0].host, nodes[0].port)
  const version = /disque_version:(\S+)/.exec(await client.ask("INFO", "server"))?.[1] ?? "of unknown version"
  client.close()
  return `${count}, Disque ${version}`
}

/** The lines that say so, with what the nodes are if they are what is measured. */
export const circumstances = async (target: Target | undefined): Promise<string> => {
  const date = new Date().toISOString().slice(0, 16).replace("T", " ")
  const machine = `${cpus()[0]?.model.trim() ?? "unknown processor"} × ${availableParallelism()}, ${Math.round(totalmem() / 2 ** 30)} GB, ${platform()} ${arch()}`
  const nodes = target === undefined ? "" : `, ${await serverOf(target)}`
  return `${date} UTC${nodes}. ${versions()}. ${machine}; load ${(loadavg()[0] ?? 0).toFixed(1)} at the start.`
}
