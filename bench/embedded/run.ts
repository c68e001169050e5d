/** The throughput and the memory of an embedded node, beside those of a server where there is one. */
import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { median, table } from "../shared/statistics.js"
import { countLines, encode, WireClient } from "../shared/wire.js"

const jobs = 20_000
const batch = 100
const rounds = 7
const warmUps = 2
const memoryJobs = 100_000

interface Target {
  readonly name: string
  readonly client: WireClient
  /** What the node takes, in bytes. */
  readonly memory: () => Promise<number>
}

const jobIds = /D-[0-9a-f]{8}-[A-Za-z0-9+/]{24}-[0-9a-f]{4}/g

const add = (queue: string, count: number): ReadonlyArray<string> => {
  const one = encode("ADDJOB", queue, "a body of about as many bytes as small jobs have: 64", "0", "REPLICATE", "1")
  return Array.from({ length: count / batch }, () => one.repeat(batch))
}

const perSecond = async (count: number, work: () => Promise<void>): Promise<number> => {
  const started = performance.now()
  await work()
  return (count * 1000) / (performance.now() - started)
}

const measures = ["ADDJOB, pipelined", `GETJOB COUNT ${batch}`, `ACKJOB of ${batch}`] as const

/** Adds, fetches and acknowledges jobs, and says how many of each per second. */
const round = async ({ client }: Target, queue: string): Promise<ReadonlyArray<number>> => {
  const added = add(queue, jobs)
  const adding = await perSecond(jobs, () => client.exchange(added, { total: jobs, ahead: 10, count: countLines }))
  const ids: Array<string> = []
  const get = encode("GETJOB", "COUNT", `${batch}`, "FROM", queue)
  const getting = await perSecond(jobs, () =>
    client.exchange(
      Array.from({ length: jobs / batch }, () => get),
      {
        total: jobs,
        ahead: 4,
        count: (text) => {
          // What is cut within an id is left over.
          const end = text.lastIndexOf("\n") + 1
          const found = text.slice(0, end).match(jobIds) ?? []
          for (const id of found) ids.push(id)
          return { found: found.length, rest: text.slice(end) }
        }
      }
    )
  )
  const acks = Array.from({ length: jobs / batch }, (_, i) =>
    encode("ACKJOB", ...ids.slice(i * batch, (i + 1) * batch))
  )
  const acking = await perSecond(jobs, () => client.exchange(acks, { total: acks.length, ahead: 4, count: countLines }))
  return [adding, getting, acking]
}

/** The memory that jobs take, in bytes. */
const memoryOfJobs = async ({ client, memory }: Target, queue: string): Promise<number> => {
  const before = await memory()
  await client.exchange(add(queue, memoryJobs), { total: memoryJobs, ahead: 10, count: countLines })
  return (await memory()) - before
}

const message = (child: ChildProcess): Promise<{ readonly port: number; readonly memory: number }> =>
  new Promise((resolve, reject) => {
    child.once("message", (value: { readonly port: number; readonly memory: number }) => resolve(value))
    child.once("exit", () => reject(new Error("The process of the embedded node ended.")))
  })

const startEmbedded = async (child: ChildProcess): Promise<Target> => {
  const { port } = await message(child)
  return {
    name: "embedded",
    client: await WireClient.connect("127.0.0.1", port),
    memory: async () => {
      child.send("memory")
      return (await message(child)).memory
    }
  }
}

const connectServer = async (nodes: string): Promise<Target> => {
  const [host = "", port = "7711"] = (nodes.split(",")[0] ?? "").split(":")
  const client = await WireClient.connect(host, Number(port))
  return {
    name: "server",
    client,
    memory: async () => Number(/used_memory:(\d+)/.exec(await client.ask("INFO", "memory"))?.[1])
  }
}

const thousands = (value: number): string => Math.round(value).toLocaleString("en")

const report = (
  targets: ReadonlyArray<Target>,
  results: ReadonlyArray<ReadonlyArray<ReadonlyArray<number>>>
): string => {
  const rows = measures.map((measure, i) => {
    const rates = targets.map((_, t) => results.map((each) => each[t]?.[i] ?? 0))
    const cells = rates.map((each) => thousands(median(each)))
    const [own = [], other] = rates
    const ratio = other === undefined ? [] : [median(own.map((rate, r) => rate / (other[r] ?? 1))).toFixed(2)]
    return [measure, ...cells, ...ratio]
  })
  return table([
    ["jobs per second", ...targets.map(({ name }) => name), ...(targets.length > 1 ? ["ratio"] : [])],
    ...rows
  ])
}

export const run = async (): Promise<void> => {
  const child = fork(fileURLToPath(new URL("./node.ts", import.meta.url)), {
    execArgv: ["--expose-gc", "--import", import.meta.resolve("tsx")]
  })
  const targets = [await startEmbedded(child)]
  try {
    const nodes = process.env.DISQUE_NODES
    if (nodes !== undefined && nodes !== "") targets.push(await connectServer(nodes))
    const queue = `bench-${process.pid}`
    const results: Array<ReadonlyArray<ReadonlyArray<number>>> = []
    for (let i = 0; i < warmUps + rounds; i++) {
      const inTurn: Array<ReadonlyArray<number>> = []
      // Whoever was second is first in the next round.
      for (const target of i % 2 === 0 ? targets : targets.toReversed()) {
        inTurn[targets.indexOf(target)] = await round(target, queue)
      }
      if (i >= warmUps) results.push(inTurn)
    }
    process.stdout.write(`medians of ${rounds} rounds of ${thousands(jobs)} jobs, one connection\n\n`)
    process.stdout.write(`${report(targets, results)}\n`)
    const memory: Array<number> = []
    for (const target of targets) memory.push(await memoryOfJobs(target, `${queue}-memory`))
    process.stdout.write(
      table([
        ["memory", ...targets.map(({ name }) => name)],
        [`${thousands(memoryJobs)} jobs, in MB`, ...memory.map((bytes) => (bytes / 1e6).toFixed(1))]
      ])
    )
  } finally {
    for (const { client } of targets) client.close()
    child.disconnect()
  }
}
