/** What Disco keeps on the heap: for what is idle, what waits and what is in flight, and after a million jobs. */
import { NodeDisque } from "@disco/node"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { Disco } from "../peers/disco.js"
import { Raw } from "../peers/raw.js"
import { type Effort, partOf } from "../shared/contest.js"
import { allocated, heapAfterGc } from "../shared/heap.js"
import { table, thousands } from "../shared/markdown.js"
import { type Measurement, queueOf } from "../shared/measurement.js"
import type { Part } from "../shared/parts.js"
import { type Address, addressOf } from "../shared/target.js"

const queue = queueOf("memory")
const body = "x".repeat(100)
const nobody = () => {}

/** Who allocates: `others` are ioredis and the benchmark itself. */
const allocators: ReadonlyArray<Part> = ["sockets", "Node.js", "Effect", "core", "node", "funnel", "others"]

/** What is held for each of something, in bytes: of the heap and buffers in all, and of the heap by who allocated it. */
interface Held {
  readonly all: number
  readonly by: ReadonlyMap<Part, number>
}

/** What is held for each of `count` things that `open` opens. */
const bytesEach = async (count: number, open: () => Promise<unknown>): Promise<Held> => {
  const before = heapAfterGc()
  let opened: unknown
  const by = await allocated(async () => {
    opened = await open()
  })
  const after = heapAfterGc()
  // What was opened is in use until here.
  if (opened === undefined) throw new Error("nothing was opened")
  return { all: (after - before) / count, by: new Map([...by].map(([part, bytes]) => [part, bytes / count])) }
}

/** Pools of one program, each of which has connected. */
const connections = async (node: Address): Promise<Held> => {
  const disco = await Disco.open(node)
  const open = (count: number) =>
    disco.run(Effect.replicateEffect(Layer.build(NodeDisque.layerPool({ nodes: addressOf(node) })), count))
  // What is made once only is there before.
  await open(1)
  const held = await bytesEach(100, () => open(100))
  await disco.close()
  return held
}

/** A link to wait for jobs on, and a `getJob` that waits on such a link. */
const waits = async (node: Address): Promise<readonly [link: Held, getJob: Held]> => {
  const disco = await Disco.open(node, { maxActive: 101, maxIdle: 101 })
  const empty = `${queue}-empty`
  const first = await disco.run(Effect.forkDaemon(disco.pool.getJob(empty, { timeout: "2 minutes" })))
  const links = await bytesEach(100, () =>
    disco.run(Effect.replicateEffect(disco.pool.getJobs(empty, { timeout: 500 }), 100, { concurrency: "unbounded" }))
  )
  const fibers = [first]
  const getJobs = await bytesEach(100, async () => {
    const waiting = disco.pool.getJob(empty, { timeout: "1 minute" })
    for (let i = 0; i < 100; i++) fibers.push(await disco.run(Effect.forkDaemon(waiting)))
    const busy = Effect.map(disco.pool.statistics, ({ active }) => active > 100)
    await disco.run(Effect.repeat(Effect.zipRight(Effect.sleep(20), busy), { until: (isBusy) => isBusy }))
    return fibers
  })
  await disco.run(Fiber.interruptAll(fibers))
  await disco.close()
  return [links, getJobs]
}

/** What a job of 20 bytes takes that the program keeps, if it keeps one of `every` that it fetches. */
const kept = async (disco: Disco, raw: Raw, count: number, every: number): Promise<Held> => {
  const jobs = `${queue}-kept-${every}`
  await raw.addMany(jobs, "x".repeat(20), count)
  return bytesEach(count / every, async () => {
    const all: Array<unknown> = []
    for (let fetched = 0; fetched < count; ) {
      const got = await disco.run(Effect.tap(disco.pool.getJobs(jobs, { count: 100 }), disco.pool.fastAckJob))
      for (const [i, job] of got.entries()) if ((fetched + i) % every === 0) all.push(job)
      fetched += got.length
    }
    return all
  })
}

/** Jobs that one call adds. */
const together = async (disco: Disco, count: number): Promise<Held> => {
  const jobs = Array.from({ length: count }, () => ({ queue, body, options: { replicate: 1 } }))
  let adding: Promise<unknown> = Promise.resolve()
  const bytes = await bytesEach(count, async () => {
    adding = disco.run(disco.pool.addJobs(jobs))
    for (let i = 0; i < 100; i++) await undefined
    return [adding]
  })
  await adding
  return bytes
}

/** The fibers that wait for their ADDJOB are counted with it. */
const inFlight = async (disco: Disco, count: number): Promise<Held> => {
  let adding: Promise<unknown> = Promise.resolve()
  const bytes = await bytesEach(count, async () => {
    adding = disco.adding(queue, body, count, { replicate: 1 })(count, nobody)
    // The fibers start in microtasks; no reply is read before they have all run.
    for (let i = 0; i < 100; i++) await undefined
    return [adding]
  })
  await adding
  return bytes
}

/** How much more is on the heap after a million jobs than after ten thousand, in bytes. */
const million = async (disco: Disco, effort: Effort): Promise<number> => {
  const run = await disco.funnelling(`${queue}-funnel`, body, { replicate: 1 })
  const first = partOf(10_000, effort)
  await run(first, nobody)
  const before = heapAfterGc()
  await run(partOf(1_000_000, effort) - first, nobody)
  return heapAfterGc() - before
}

export const memory: Measurement = {
  name: "memory",
  title: "What Disco keeps on the heap and in buffers, after a collection; one node, 100 B.",
  nodes: 1,
  hasGoals: true,
  measure: async ({ nodes: [node] }, effort) => {
    const idlePool = await connections(node)
    const [idleLink, waitingGet] = await waits(node)
    const raw = await Raw.open(node, 1)
    const disco = await Disco.open(node)
    const many = partOf(10_000, effort)
    await disco.adding(queue, body, 64, { replicate: 1 })(many, nobody)
    const flyingJob = await together(disco, many)
    const flyingFiber = await inFlight(disco, many)
    const keptJob = await kept(disco, raw, partOf(100_000, effort), 1)
    const rows: ReadonlyArray<readonly [string, Held]> = [
      ["an idle pool with its one link", idlePool],
      ["an idle link to wait for jobs on", idleLink],
      ["a `getJob` that waits on such a link, and its fiber", waitingGet],
      ["a job in flight, of `addJobs`", flyingJob],
      ["a job in flight, and a fiber that waits for it", flyingFiber],
      ["a job of 20 B that is kept", keptJob],
      ["the same where one of a hundred is kept", await kept(disco, raw, partOf(100_000, effort), 100)]
    ]
    const growth = (await million(disco, effort)) / 1e6
    await raw.drain(queue)
    await disco.close()
    raw.close()
    const text = [
      table([
        ["heap and buffers, bytes each", "all", ...allocators.map((part) => `heap, by ${part}`)],
        ...rows.map(([what, { all, by }]) => [
          what,
          ...[all, ...allocators.map((part) => by.get(part) ?? 0)].map((bytes) => thousands(bytes))
        ])
      ]),
      table([
        ["jobs through a funnel", "MB more than after the first 10,000"],
        [thousands(partOf(1_000_000, effort)), growth.toFixed(1)]
      ])
    ]
    return {
      text: text.join("\n"),
      figures: {
        keptJob: keptJob.all,
        waitingGet: waitingGet.all,
        idleLink: idlePool.all,
        flyingJob: flyingJob.all,
        million: growth
      }
    }
  }
}
