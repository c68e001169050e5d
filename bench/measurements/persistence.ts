/** What it costs to keep jobs on disk: when jobs are added, when the file is written anew, and when it is loaded. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { Disco } from "../peers/disco.js"
import { Raw } from "../peers/raw.js"
import { type Contest, type Effort, hold, type Outcome, partOf } from "../shared/contest.js"
import { timeOfSync } from "../shared/diskSync.js"
import { table, thousands } from "../shared/markdown.js"
import { type Measurement, queueOf } from "../shared/measurement.js"
import type { Disk } from "../shared/nodesOptions.js"
import { type RealServer, serverPath, startServer } from "../shared/realServer.js"
import { type Section, show } from "../shared/section.js"
import { median } from "../shared/statistics.js"
import { type Address, type EmbeddedTarget, startEmbedded } from "../shared/target.js"
import { WireClient } from "../shared/wire.js"

const queue = queueOf("persistence")
const body = "x".repeat(100)
const fibers = 64
const options = { replicate: 1 }
const memory = "memory alone"
const settings = ["always", "everysec", "no"] as const
const nobody = () => {}

/** A disk that takes longer for a sync decides by itself how fast jobs are added with `always`, in milliseconds. */
const slowSync = 1

type Settings = ReadonlyArray<readonly [name: string, disk: Disk | undefined]>

/** Memory alone, and each setting in a folder of its own. */
const settingsIn = (root: string): Settings => [
  [memory, undefined],
  ...settings.map((appendfsync): readonly [string, Disk] => {
    const dir = join(root, appendfsync)
    mkdirSync(dir, { recursive: true })
    return [appendfsync, { dir, appendfsync }]
  })
]

const contestOf = (title: string, discos: ReadonlyMap<string, Disco>, effort: Effort): Contest => {
  const jobs = 10_000
  return {
    title,
    jobs,
    contenders: [...discos].map(([name, disco]) => ({ name, run: disco.adding(queue, body, fibers, options) })),
    after: async (name) => discos.get(name)?.getting(queue, 1000)(partOf(jobs, effort), nobody)
  }
}

const closeAll = (discos: ReadonlyMap<string, Disco>): Promise<unknown> =>
  Promise.all([...discos.values()].map((disco) => disco.close()))

const addingInProcess = async (root: string, effort: Effort): Promise<Outcome> => {
  const discos = new Map<string, Disco>()
  for (const [name, disk] of settingsIn(join(root, "in-process"))) discos.set(name, await Disco.embedded(disk))
  const outcome = await hold(contestOf(`from ${fibers} fibers, in the process, 100 B`, discos, effort), effort)
  await closeAll(discos)
  return outcome
}

const onServer = (name: string): string => `server, ${name}`

/** Embedded nodes and real servers, all of them in processes of their own. */
const addingBesideServer = async (path: string, root: string, effort: Effort): Promise<Outcome> => {
  const discos = new Map<string, Disco>()
  const nodes: Array<EmbeddedTarget> = []
  const servers: Array<RealServer> = []
  for (const [name, disk] of settingsIn(join(root, "embedded"))) {
    const node = await startEmbedded(1, disk)
    nodes.push(node)
    discos.set(name, await Disco.open(node.nodes[0]))
  }
  for (const [name, disk] of settingsIn(join(root, "server"))) {
    const server = await startServer(path, disk, disk?.dir ?? root)
    servers.push(server)
    discos.set(onServer(name), await Disco.open(server.node))
  }
  const outcome = await hold(contestOf(`from ${fibers} fibers, over TCP, 100 B`, discos, effort), effort)
  await closeAll(discos)
  await Promise.all([...nodes, ...servers].map((each) => each.close()))
  return outcome
}

/** How a node wrote its file anew, in milliseconds. */
interface Rewrite {
  readonly millis: number
  /** The longest time that a client waited for the answer to an ADDJOB meanwhile. */
  readonly wait: number
}

/** Has the file written anew, while a client adds a job every few milliseconds. */
const rewrite = async ({ host, port }: Address): Promise<Rewrite> => {
  const watcher = await WireClient.connect(host, port)
  const client = await WireClient.connect(host, port)
  const started = performance.now()
  await watcher.ask("BGREWRITEAOF")
  let wait = 0
  let isDone = false
  const adding = async () => {
    while (!isDone) {
      const asked = performance.now()
      await client.ask("ADDJOB", `${queue}-wait`, body, "0", "REPLICATE", "1")
      wait = Math.max(wait, performance.now() - asked)
      await setTimeout(1)
    }
  }
  const watching = async () => {
    while (!(await watcher.ask("INFO", "persistence")).includes("aof_rewrite_in_progress:0")) await setTimeout(5)
    isDone = true
  }
  await Promise.all([adding(), watching()])
  watcher.close()
  client.close()
  return { millis: performance.now() - started, wait }
}

/** How a node did with many jobs, in milliseconds and bytes. */
interface Passage extends Rewrite {
  readonly loadMillis: number
  /** The longest time for which the process did nothing else, while it loaded the jobs and while it wrote the file anew. */
  readonly loadDelay?: number
  readonly rewriteDelay?: number
  /** The most memory that the load took beyond that of the jobs. */
  readonly memory?: number
}

const passEmbedded = async (disk: Disk): Promise<Passage> => {
  const node = await startEmbedded(1, disk)
  await node.delay()
  const rewritten = await rewrite(node.nodes[0])
  const { load } = node
  const passage = {
    ...rewritten,
    loadMillis: load.millis,
    loadDelay: load.delay,
    rewriteDelay: await node.delay(),
    memory: load.memory
  }
  await node.close()
  return passage
}

const passServer = async (path: string, disk: Disk): Promise<Passage> => {
  const server = await startServer(path, disk, disk.dir)
  const passage = { ...(await rewrite(server.node)), loadMillis: server.loadMillis }
  await server.close()
  return passage
}

/** Fills a folder with the file of so many jobs, all of them queued. */
const fill = async (disk: Disk, jobs: number): Promise<void> => {
  const node = await startEmbedded(1, disk)
  const raw = await Raw.open(node.nodes[0], 1)
  await raw.addMany(queue, body, jobs)
  raw.close()
  // What is appended says that a job was added, and what is written anew, that it is queued.
  await rewrite(node.nodes[0])
  await node.close()
}

/** The passages of each kind of node, in rounds that take turns. */
const passages = async (
  path: string | undefined,
  root: string,
  effort: Effort
): Promise<ReadonlyMap<string, ReadonlyArray<Passage>>> => {
  const own: Disk = { dir: join(root, "many"), appendfsync: "everysec" }
  const other: Disk = { dir: join(root, "many-server"), appendfsync: "everysec" }
  for (const { dir } of [own, other]) mkdirSync(dir)
  await fill(own, partOf(1_000_000, effort))
  copyFileSync(join(own.dir, "disque.aof"), join(other.dir, "disque.aof"))
  const found = new Map<string, Array<Passage>>([["embedded node", []]])
  if (path !== undefined) found.set("server", [])
  for (let round = 0; round < Math.ceil(effort.rounds / 3); round++) {
    found.get("embedded node")?.push(await passEmbedded(own))
    if (path !== undefined) found.get("server")?.push(await passServer(path, other))
  }
  return found
}

const showPassages = (found: ReadonlyMap<string, ReadonlyArray<Passage>>, jobs: number): string => {
  const cell = (all: ReadonlyArray<Passage>, of: keyof Passage, unit: number, digits: number): string => {
    const values = all.flatMap((passage) => passage[of] ?? [])
    return values.length === 0 ? "" : (median(values) / unit).toFixed(digits)
  }
  const head = [
    `${thousands(jobs)} jobs of 100 B`,
    "rewrite, s",
    "longest wait of a client, ms",
    "longest delay, ms",
    "load, s",
    "longest delay, ms",
    "memory beyond the jobs, MB"
  ]
  const rows = [...found].map(([name, all]) => [
    name,
    cell(all, "millis", 1000, 2),
    cell(all, "wait", 1, 1),
    cell(all, "rewriteDelay", 1, 1),
    cell(all, "loadMillis", 1000, 2),
    cell(all, "loadDelay", 1, 1),
    cell(all, "memory", 1e6, 0)
  ])
  return table([head, ...rows])
}

const measureIn = async (root: string, effort: Effort): Promise<Section> => {
  const path = serverPath()
  const sync = timeOfSync(root, partOf(1000, effort))
  const isFast = sync < slowSync
  const inProcess = await addingInProcess(root, effort)
  const beside = path === undefined ? undefined : await addingBesideServer(path, root, effort)
  const found = await passages(path, root, effort)
  const own = found.get("embedded node") ?? []
  const server = found.get("server") ?? []
  const medianOf = (of: keyof Passage): number => median(own.map((passage) => passage[of] ?? Number.NaN))
  const ratioOf = (of: keyof Passage): number =>
    median(own.map((passage, i) => (passage[of] ?? Number.NaN) / (server[i]?.[of] ?? Number.NaN)))
  const text = [
    `The disk takes ${sync.toFixed(2)} ms for a sync${isFast ? "" : `: too long for the goals of \`always\``}.\n`,
    show(inProcess, [memory]),
    ...(beside === undefined ? [] : [show(beside, [memory, ...settings.map(onServer)])]),
    showPassages(found, partOf(1_000_000, effort))
  ]
  return {
    text: text.join("\n"),
    figures: {
      ...(isFast ? { always: inProcess.ratio("always", memory) } : {}),
      everysec: inProcess.ratio("everysec", memory),
      rewriteWait: medianOf("wait"),
      loadMemory: medianOf("memory") / 1e6,
      ...(beside === undefined
        ? {}
        : {
            alwaysServer: beside.ratio("always", onServer("always")),
            rewriteServer: ratioOf("millis"),
            loadServer: ratioOf("loadMillis")
          })
    }
  }
}

export const persistence: Measurement = {
  name: "persistence",
  title: "An embedded node on disk, beside one in memory, and beside the real server where DISQUE_SERVER names one.",
  nodes: 1,
  hasGoals: true,
  measure: async (_, effort) => {
    const root = mkdtempSync(join(tmpdir(), "disco-bench-"))
    try {
      return await measureIn(root, effort)
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  }
}
