/** What a program would use instead: BullMQ and bee-queue on Redis, beside the Worker. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Disco } from "../peers/disco.js"
import { areInstalled, openBeeQueue, openBullMq, versionOf } from "../peers/redisQueues.js"
import { type Contender, hold } from "../shared/contest.js"
import { type Measurement, queueOf } from "../shared/measurement.js"
import type { Disk } from "../shared/nodesOptions.js"
import { serverPath, startServer } from "../shared/realServer.js"
import { redisPath, redisVersion, startRedis } from "../shared/redisServer.js"
import { show } from "../shared/section.js"
import { startEmbedded } from "../shared/target.js"

const queue = queueOf("alternatives")
const payload = { id: 12_345, to: "ada@example.com", subject: "Your order has been sent", total: 99.95 }
const settings = ["memory", "everysec", "always"] as const

const needs = (): string | undefined => {
  if (redisPath() === undefined) return "REDIS_SERVER is to be the path of a redis-server"
  if (serverPath() === undefined) return "DISQUE_SERVER is to be the path of a disque-server"
  return areInstalled() ? undefined : "its packages are installed by `npm install --prefix bench/alternatives`"
}

const promises = (
  redis: string
): string => `Each adds jobs of 86 B in JSON a hundred a call, two calls at a time, and handles 64 at a time, with handlers that do
nothing. BullMQ and bee-queue remove jobs that are done, and bee-queue sends no events. The Worker checks each payload by its Schema
on both sides, which the others leave to the program. *memory* is a server without persistence: its end loses all jobs. With
*everysec* a job outlives the end of the server's process, and a power cut loses up to a second of them. With *always* a job that was
added outlives a power cut: it is synced before the answer. *disco serve* is the node of that command. All of them deliver a job
again whose worker died. ${versionOf("bullmq")}, ${versionOf("bee-queue")}, Redis ${redisVersion(redis)}.`

export const alternatives: Measurement = {
  name: "alternatives",
  title: "What a program would use instead: a typed JSON payload from end to end.",
  nodes: 1,
  hasGoals: false,
  chapter: "others",
  needs,
  measure: async (_, effort) => {
    const redis = redisPath() ?? ""
    const disque = serverPath() ?? ""
    const root = mkdtempSync(join(tmpdir(), "disco-bench-"))
    const closes: Array<() => Promise<unknown>> = []
    const contenders: Array<Contender> = []
    for (const setting of settings) {
      const dirOf = (server: string): string => {
        const dir = join(root, server, setting)
        mkdirSync(dir, { recursive: true })
        return dir
      }
      const diskOf = (server: string): Disk | undefined =>
        setting === "memory" ? undefined : { dir: dirOf(server), appendfsync: setting }
      const redisServer = await startRedis(redis, diskOf("redis"), dirOf("redis"))
      const disqueServer = await startServer(disque, diskOf("disque"), dirOf("disque"))
      const embedded = await startEmbedded(1, diskOf("disco"))
      const bullMq = await openBullMq(redisServer.node, queue, payload)
      const beeQueue = await openBeeQueue(redisServer.node, `${queue}-bee`, payload)
      const onDisque = await Disco.open(disqueServer.node)
      const onEmbedded = await Disco.open(embedded.nodes[0])
      contenders.push(
        { name: `BullMQ, Redis, ${setting}`, run: bullMq.run },
        { name: `bee-queue, Redis, ${setting}`, run: beeQueue.run },
        { name: `Worker, Disque, ${setting}`, run: await onDisque.workingTyped(queue, payload) },
        { name: `Worker, disco serve, ${setting}`, run: await onEmbedded.workingTyped(queue, payload) }
      )
      closes.push(...[bullMq, beeQueue, onDisque, onEmbedded].map((client) => () => client.close()))
      closes.push(...[redisServer, disqueServer, embedded].map((server) => () => server.close()))
    }
    const outcome = await hold({ title: "added and handled", jobs: 3000, contenders }, effort)
    for (const close of closes) await close()
    rmSync(root, { recursive: true })
    const references = settings.map((setting) => `BullMQ, Redis, ${setting}`)
    return { text: `${promises(redis)}\n\n${show(outcome, references)}`, figures: {} }
  }
}
