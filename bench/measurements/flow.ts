/** Jobs from end to end: added, fetched and acknowledged at the same time. */
import type { Figures } from "../goals.js"
import { flowing } from "../peers/client.js"
import { Disco } from "../peers/disco.js"
import { openDisqueueNode } from "../peers/disqueueNode.js"
import { Ioredis } from "../peers/ioredis.js"
import { Raw } from "../peers/raw.js"
import { openThunkDisque } from "../peers/thunkDisque.js"
import { hold } from "../shared/contest.js"
import { large, type Measurement, queueOf, sizeName } from "../shared/measurement.js"
import { show } from "../shared/section.js"

const queue = queueOf("flow")

export const flow: Measurement = {
  name: "flow",
  title: "Jobs added, fetched and acknowledged on one node; those by hand with 64 ADDJOBs in flight.",
  nodes: 1,
  hasGoals: true,
  measure: async ({ nodes: [node] }, effort) => {
    const raw = await Raw.open(node, 1)
    const clients = {
      ioredis: [await Ioredis.open(node, 1), await Ioredis.open(node, 1)],
      "thunk-disque": [await openThunkDisque(node, 1), await openThunkDisque(node, 1)],
      "disqueue-node": [await openDisqueueNode(node, 1), await openDisqueueNode(node, 1)]
    } as const
    const disco = await Disco.open(node)
    const text: Array<string> = []
    const figures: Figures = {}
    const peers = Object.keys(clients)
    for (const size of effort.sizes) {
      const body = "x".repeat(size)
      // A queue for each: what consumers wait for beyond a round would take the jobs of another.
      const outcome = await hold(
        {
          title: sizeName(size),
          jobs: 10_000,
          contenders: [
            {
              name: "raw",
              run: async (jobs) => {
                await raw.addMany(queue, body, jobs)
                await raw.ack(await raw.get(queue, jobs))
              }
            },
            ...Object.entries(clients).map(([name, [adding, fetching]]) => ({
              name,
              run: flowing([adding], fetching, queue, body, 64)
            })),
            { name: "Funnel", run: await disco.funnelling(`${queue}-funnel-${size}`, body, { replicate: 1 }) },
            ...(await Promise.all(
              [1, 64].map(async (concurrency) => ({
                name: `forEach, ${concurrency} at a time`,
                run: await disco.handling(
                  `${queue}-forEach-${concurrency}-${size}`,
                  body,
                  { replicate: 1 },
                  concurrency
                )
              }))
            )),
            { name: "Worker, text", run: await disco.working(`${queue}-worker-${size}`, body, { replicate: 1 }) },
            { name: "Worker, JSON", run: await disco.workingJson(`${queue}-json-${size}`, size, { replicate: 1 }) }
          ]
        },
        effort
      )
      text.push(show(outcome, ["raw"], peers))
      // The goals are about small bodies.
      if (size === large) continue
      const forEach = "forEach, 64 at a time"
      figures.funnelRaw = outcome.ratio("Funnel", "raw")
      figures.forEach = outcome.shareOfFastest(forEach, peers)
      figures.forEachRaw = outcome.ratio(forEach, "raw")
      figures.worker = outcome.ratio("Worker, text", "raw")
      figures.workerJson = outcome.ratio("Worker, JSON", "raw")
    }
    await disco.close()
    for (const client of [raw, ...Object.values(clients).flat()]) client.close()
    return { text: text.join("\n"), figures }
  }
}
