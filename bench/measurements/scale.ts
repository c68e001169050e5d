/** How the cost of a job grows, as there is more of everything: it should not. */
import type { ChildProcess } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { adding, getting } from "../peers/client.js"
import { Disco } from "../peers/disco.js"
import { Ioredis } from "../peers/ioredis.js"
import { Raw } from "../peers/raw.js"
import { embed } from "../shared/chart.js"
import { type Contender, partOf } from "../shared/contest.js"
import { type Curve, curve, type Point } from "../shared/curve.js"
import { type Measurement, queueOf } from "../shared/measurement.js"
import { serverPath, startCluster } from "../shared/realServer.js"
import { type Address, addressOf, start, startEmbedded, stop, type Target } from "../shared/target.js"
import { WireClient } from "../shared/wire.js"

const queue = queueOf("scale")
const body = "x".repeat(100)
const options = { replicate: 1 }
const jobs = 5000

/** What all points are measured with. */
interface Clients {
  readonly node: Address
  readonly raw: Raw
  readonly ioredis: Ioredis
  readonly disco: Disco
}

type PointOf = (value: number) => Promise<Point>

const inTurn =
  (...runs: ReadonlyArray<Contender["run"]>): Contender["run"] =>
  async (jobs, took) => {
    for (const run of runs) await run(jobs, took)
  }

const inFlight =
  ({ disco, ioredis, raw }: Clients): PointOf =>
  async (count) => ({
    // Enough that a fiber does more than begin.
    jobs: Math.max(jobs, 16 * count),
    contenders: [
      { name: "ioredis", run: adding([ioredis], queue, body, count) },
      { name: "Disco", run: disco.adding(queue, body, count, options) }
    ],
    after: () => raw.drain(queue)
  })

const links =
  ({ node, raw }: Clients): PointOf =>
  async (count) => {
    const ioredis = await Promise.all(Array.from({ length: count }, () => Ioredis.open(node, 1)))
    const discos = await Promise.all(Array.from({ length: count }, () => Disco.open(node)))
    const addings = discos.map((disco) => disco.adding(queue, body, 64 / count, options))
    return {
      jobs,
      contenders: [
        { name: "ioredis", run: adding(ioredis, queue, body, 64) },
        {
          name: "Disco",
          run: async (jobs, took) => {
            await Promise.all(addings.map((add) => add(Math.floor(jobs / count), took)))
          }
        }
      ],
      after: () => raw.drain(queue),
      close: () => Promise.all([...ioredis, ...discos].map((client) => client.close()))
    }
  }

const counts =
  ({ disco, ioredis, raw }: Clients): PointOf =>
  async (count) => ({
    jobs,
    contenders: [
      { name: "ioredis", run: getting(ioredis, queue, count) },
      { name: "Disco", run: disco.getting(queue, count) }
    ],
    before: (jobs) => raw.addMany(queue, body, jobs)
  })

/** Adds jobs and fetches as many, while others wait in the queue. */
const backlog = ({ disco, ioredis, raw }: Clients): PointOf => {
  let length = 0
  return async (size) => {
    await raw.addMany(queue, body, size - length)
    length = size
    return {
      jobs,
      contenders: [
        {
          name: "raw",
          run: async (jobs) => {
            await raw.addMany(queue, body, jobs)
            await raw.ack(await raw.get(queue, jobs))
          }
        },
        { name: "ioredis", run: inTurn(adding([ioredis], queue, body, 64), getting(ioredis, queue, 100)) },
        { name: "Disco", run: inTurn(disco.adding(queue, body, 64, options), disco.getting(queue, 100)) }
      ]
    }
  }
}

/** A funnel over so many queues; the jobs go to them in turn. */
const queues =
  ({ node }: Clients): PointOf =>
  async (count) => {
    const disco = await Disco.open(node)
    const names = Array.from({ length: count }, (_, i) => `${queue}-${i}`)
    return {
      jobs,
      contenders: [{ name: "Funnel", run: await disco.funnelling(names, body, options) }],
      close: () => disco.close()
    }
  }

/** Starts a cluster of so many nodes, and gives one of them. */
const startNodes = async (
  kind: Target["kind"],
  count: number,
  dir: string
): Promise<{ readonly node: Address; readonly close: () => Promise<unknown> }> => {
  const path = serverPath()
  if (kind === "real" && path !== undefined) {
    const servers = await startCluster(path, count, dir)
    return { node: servers[0].node, close: () => Promise.all(servers.map((server) => server.close())) }
  }
  const { close, nodes } = await startEmbedded(count)
  return { node: nodes[0], close }
}

/** A cluster of so many nodes, with and without copies; they share the processors of this machine. */
const nodes =
  (kind: Target["kind"], root: string): PointOf =>
  async (count) => {
    const { close, node } = await startNodes(kind, count, join(root, String(count)))
    const disco = await Disco.open(node, { maxActive: 32 })
    const withCopies = (replicate: number): Contender["run"] =>
      inTurn(disco.adding(queue, body, 64, { replicate }), disco.getting(queue, 100))
    return {
      jobs,
      contenders: [
        { name: "REPLICATE 1", run: withCopies(1) },
        { name: "REPLICATE 3", run: withCopies(Math.min(3, count)) }
      ],
      close: async () => {
        await disco.close()
        await close()
      }
    }
  }

/** Workers in so many processes, which handle what one socket adds as fast as it can. */
const workers =
  ({ node, raw }: Clients): PointOf =>
  async (count) => {
    const name = `${queue}-workers-${count}`
    const watcher = await WireClient.connect(node.host, node.port)
    const children: Array<ChildProcess> = []
    for (let i = 0; i < count; i++) children.push((await start("workerProcess", [addressOf(node), name]))[0])
    const known = async () => Number(/registered_jobs:(\d+)/.exec(await watcher.ask("INFO", "jobs"))?.[1])
    return {
      jobs: 20_000,
      contenders: [
        {
          name: "Worker",
          run: async (jobs) => {
            const before = await known()
            await raw.addMany(name, body, jobs)
            while ((await known()) > before) await setTimeout(2)
          }
        }
      ],
      close: async () => {
        watcher.close()
        await Promise.all(children.map(stop))
      }
    }
  }

export const scale: Measurement = {
  name: "scale",
  title: "What a job costs, as there is more of everything; 100 B, one node where nothing else is said.",
  nodes: 1,
  hasGoals: false,
  measure: async ({ kind, nodes: [node] }, effort) => {
    const clients: Clients = {
      node,
      raw: await Raw.open(node, 1),
      ioredis: await Ioredis.open(node, 1),
      disco: await Disco.open(node)
    }
    const root = mkdtempSync(join(tmpdir(), "disco-bench-"))
    const sizes = [1000, 10_000, 100_000, 1_000_000].map((size) => partOf(size, effort))
    const few = (values: ReadonlyArray<number>): ReadonlyArray<number> =>
      effort.share < 1 ? values.slice(0, 1) : values
    const draw = (name: string, title: string, values: ReadonlyArray<number>, point: PointOf): Promise<Curve> =>
      curve(name, title, values, point, effort)
    const curves: Array<Curve> = [
      await draw("in-flight", "ADDJOBs in flight", few([1, 4, 16, 64, 256, 1024, 4096]), inFlight(clients)),
      await draw("links", "links, 64 ADDJOBs in flight", few([1, 2, 4, 8, 16]), links(clients)),
      await draw("count", "COUNT of GETJOB and ACKJOB", few([1, 10, 100, 500]), counts(clients)),
      await draw("backlog", "jobs that wait in the queue", sizes, backlog(clients)),
      await draw("queues", "queues of a funnel", few([1, 10, 100, 1000, 10_000]), queues(clients))
    ]
    await clients.raw.drain(queue)
    if (kind === "embedded" || serverPath() !== undefined) {
      curves.push(await draw("nodes", "nodes, 64 ADDJOBs in flight", few([1, 2, 3, 4, 5]), nodes(kind, root)))
    }
    curves.push(await draw("workers", "processes with a Worker", few([1, 2, 4, 8]), workers(clients)))
    await clients.disco.close()
    clients.raw.close()
    clients.ioredis.close()
    rmSync(root, { recursive: true })
    return {
      text: curves.map(({ chart, text }) => `${embed(kind, chart)}\n\n${text}`).join("\n"),
      charts: curves.map(({ chart }) => chart),
      figures: {}
    }
  }
}
