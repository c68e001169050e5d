/** How the cost of a job grows with what is in flight, with links, with COUNT and with the backlog: it should not. */
import { adding, getting } from "../peers/client.js"
import { Disco } from "../peers/disco.js"
import { Ioredis } from "../peers/ioredis.js"
import { Raw } from "../peers/raw.js"
import { type Contest, type Effort, hold, type Outcome, partOf } from "../shared/contest.js"
import { table, thousands } from "../shared/markdown.js"
import { type Measurement, queueOf } from "../shared/measurement.js"
import type { Address } from "../shared/target.js"

const queue = queueOf("scale")
const body = "x".repeat(100)
const options = { replicate: 1 }
const jobs = 5000

/** A row for each of `values`: rates, and what a job costs this process. */
const curve = async (
  title: string,
  values: ReadonlyArray<number>,
  contest: (value: number) => Promise<Contest>,
  effort: Effort
): Promise<string> => {
  const outcomes: Array<readonly [number, Outcome]> = []
  for (const value of values) outcomes.push([value, await hold(await contest(value), effort)])
  const names = outcomes[0]?.[1].contest.contenders.map(({ name }) => name) ?? []
  return table([
    [title, ...names.map((name) => `${name}, jobs/s`), ...names.map((name) => `${name}, CPU µs/job`)],
    ...outcomes.map(([value, outcome]) => [
      thousands(value),
      ...names.map((name) => thousands(outcome.median(name, "perSecond"))),
      ...names.map((name) => outcome.median(name, "cpu").toFixed(1))
    ])
  ])
}

const links = async (node: Address, raw: Raw, effort: Effort): Promise<string> => {
  const opened: Array<() => void> = []
  const text = await curve(
    "links, 64 in flight",
    [1, 2, 4, 8, 16],
    async (count) => {
      const ioredis = await Promise.all(Array.from({ length: count }, () => Ioredis.open(node, 1)))
      const discos = await Promise.all(Array.from({ length: count }, () => Disco.open(node)))
      opened.push(...[...ioredis, ...discos].map((client) => () => void client.close()))
      return {
        title: `${count} links`,
        jobs,
        contenders: [
          { name: "ioredis", run: adding(ioredis, queue, body, 64) },
          {
            name: "Disco",
            run: async (jobs, took) => {
              await Promise.all(
                discos.map((disco) => disco.adding(queue, body, 64 / count, options)(Math.floor(jobs / count), took))
              )
            }
          }
        ],
        after: () => raw.drain(queue)
      }
    },
    effort
  )
  for (const close of opened) close()
  return text
}

const backlog = async (raw: Raw, ioredis: Ioredis, disco: Disco, effort: Effort): Promise<string> => {
  let length = 0
  const text = await curve(
    "jobs that wait in the queue",
    [1000, 10_000, 100_000, 1_000_000].map((size) => partOf(size, effort)),
    async (size) => {
      await raw.addMany(queue, body, size - length)
      length = size
      return {
        title: `${size} jobs`,
        jobs,
        contenders: [
          {
            name: "raw",
            run: async (jobs) => {
              await raw.addMany(queue, body, jobs)
              await raw.ack(await raw.get(queue, jobs))
            }
          },
          {
            name: "ioredis",
            run: async (jobs, took) => {
              await adding([ioredis], queue, body, 64)(jobs, took)
              await getting(ioredis, queue, 100)(jobs, took)
            }
          },
          {
            name: "Disco",
            run: async (jobs, took) => {
              await disco.adding(queue, body, 64, options)(jobs, took)
              await disco.getting(queue, 100)(jobs, took)
            }
          }
        ]
      }
    },
    effort
  )
  await raw.drain(queue)
  return text
}

export const scale: Measurement = {
  name: "scale",
  title: "What a job costs, as there is more of everything; one node, 100 B.",
  nodes: 1,
  hasGoals: false,
  measure: async ({ nodes: [node] }, effort) => {
    const raw = await Raw.open(node, 1)
    const ioredis = await Ioredis.open(node, 1)
    const disco = await Disco.open(node)
    const inFlight = await curve(
      "ADDJOBs in flight",
      [1, 4, 16, 64, 256, 1024],
      async (count) => ({
        title: `${count} in flight`,
        jobs,
        contenders: [
          { name: "ioredis", run: adding([ioredis], queue, body, count) },
          { name: "Disco", run: disco.adding(queue, body, count, options) }
        ],
        after: () => raw.drain(queue)
      }),
      effort
    )
    const counts = await curve(
      "COUNT of GETJOB and ACKJOB",
      [1, 10, 100, 500],
      async (count) => ({
        title: `COUNT ${count}`,
        jobs,
        contenders: [
          { name: "ioredis", run: getting(ioredis, queue, count) },
          { name: "Disco", run: disco.getting(queue, count) }
        ],
        before: (jobs) => raw.addMany(queue, body, jobs)
      }),
      effort
    )
    const text = [inFlight, await links(node, raw, effort), counts, await backlog(raw, ioredis, disco, effort)]
    await disco.close()
    raw.close()
    ioredis.close()
    return { text: text.join("\n"), figures: {} }
  }
}
