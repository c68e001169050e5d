/** What copies cost: ADDJOB with REPLICATE 3 on three nodes, and jobs from end to end there. */
import { adding, flowing } from "../peers/client.js"
import { Disco } from "../peers/disco.js"
import { openDisqueueNode } from "../peers/disqueueNode.js"
import { Ioredis } from "../peers/ioredis.js"
import { Raw } from "../peers/raw.js"
import { openThunkDisque } from "../peers/thunkDisque.js"
import { hold } from "../shared/contest.js"
import { type Measurement, queueOf, sizeName } from "../shared/measurement.js"
import { profiles } from "../shared/profile.js"
import { show } from "../shared/section.js"
import type { Address } from "../shared/target.js"

const queue = queueOf("cluster")
const copies = 3
const inFlight = 64
const jobs = 5000

/** The body of the jobs whose time is told by parts. */
const profiled = "x".repeat(100)

const openAll = async (node: Address) => {
  const ioredis = await Promise.all(Array.from({ length: 32 }, () => Ioredis.open(node, copies)))
  return {
    raw: await Raw.open(node, copies, inFlight),
    clients: {
      "ioredis, 1 connection": ioredis.slice(0, 1),
      "ioredis, 8 connections": ioredis.slice(0, 8),
      "ioredis, 32 connections": ioredis,
      "thunk-disque": [await openThunkDisque(node, copies)],
      "disqueue-node": [await openDisqueueNode(node, copies)]
    },
    fetching: await Ioredis.open(node, copies),
    discos: { "": await Disco.open(node), ", pool of 32": await Disco.open(node, { maxActive: 32 }) }
  }
}

export const cluster: Measurement = {
  name: "cluster",
  title: "REPLICATE 3 on three nodes, 64 ADDJOBs in flight; raw is 64 connections with one each.",
  nodes: 3,
  hasGoals: true,
  measure: async ({ nodes: [node] }, effort) => {
    const { clients, discos, fetching, raw } = await openAll(node)
    const options = { replicate: copies }
    const text: Array<string> = []
    const ratios: Array<number> = []
    for (const size of effort.sizes) {
      const body = "x".repeat(size)
      const adds = await hold(
        {
          title: `ADDJOB, ${sizeName(size)}`,
          jobs,
          contenders: [
            { name: "raw", run: (jobs) => raw.addSingly(queue, body, jobs) },
            ...Object.entries(clients).map(([name, all]) => ({ name, run: adding(all, queue, body, inFlight) })),
            ...Object.entries(discos).map(([name, disco]) => ({
              name: `Disco${name}`,
              run: disco.adding(queue, body, inFlight, options)
            }))
          ],
          after: () => raw.drain(queue)
        },
        effort
      )
      const funnels = await Promise.all(
        Object.entries(discos).map(async ([name, disco], i) => ({
          name: `Funnel${name}`,
          run: await disco.funnelling(`${queue}-funnel-${i}-${size}`, body, options)
        }))
      )
      const flows = await hold(
        {
          title: `added, fetched, acknowledged, ${sizeName(size)}`,
          jobs,
          contenders: [
            {
              name: "raw",
              run: async (jobs) => {
                await raw.addSingly(queue, body, jobs)
                await raw.ack(await raw.get(queue, jobs))
              }
            },
            ...(["ioredis, 8 connections", "ioredis, 32 connections"] as const).map((name) => ({
              name,
              run: flowing(clients[name], fetching, queue, body, inFlight)
            })),
            ...funnels
          ]
        },
        effort
      )
      text.push(show(adds, ["raw"]), show(flows, ["raw"]))
      ratios.push(
        adds.ratio("Disco", "raw"),
        adds.ratio("Disco, pool of 32", "raw"),
        flows.ratio("Funnel", "raw"),
        flows.ratio("Funnel, pool of 32", "raw")
      )
    }
    const works = Object.entries(discos).map(async ([name, disco], i) => [
      {
        name: `\`addJob\`${name}`,
        run: disco.adding(queue, profiled, inFlight, options),
        after: () => raw.drain(queue)
      },
      { name: `Funnel${name}`, run: await disco.funnelling(`${queue}-profile-${i}`, profiled, options) }
    ])
    const rawWork = {
      name: "ADDJOB, raw",
      run: (jobs: number) => raw.addSingly(queue, profiled, jobs),
      after: () => raw.drain(queue)
    }
    text.push(await profiles([rawWork, ...(await Promise.all(works)).flat()], jobs, effort))
    for (const disco of Object.values(discos)) await disco.close()
    for (const client of [raw, fetching, ...new Set(Object.values(clients).flat())]) client.close()
    const [replicated = 0, replicated32 = 0, funnelReplicated = 0, funnelReplicated32 = 0] = ratios
    return {
      text: text.join("\n"),
      figures: { replicated, replicated32, funnelReplicated, funnelReplicated32 }
    }
  }
}
