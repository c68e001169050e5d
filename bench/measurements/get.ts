/** GETJOB of a hundred jobs and ACKJOB of them, in one loop. */
import type { Figures } from "../goals.js"
import { getting } from "../peers/client.js"
import { Disco } from "../peers/disco.js"
import { openDisqueueNode } from "../peers/disqueueNode.js"
import { Ioredis } from "../peers/ioredis.js"
import { Raw } from "../peers/raw.js"
import { openThunkDisque } from "../peers/thunkDisque.js"
import { type Contest, hold } from "../shared/contest.js"
import { large, type Measurement, queueOf, sizeName } from "../shared/measurement.js"
import { show } from "../shared/section.js"

const queue = queueOf("get")

export const get: Measurement = {
  name: "get",
  title: "Fetching jobs and acknowledging them (GETJOB COUNT 100, ACKJOB of 100) on one node.",
  nodes: 1,
  hasGoals: true,
  measure: async ({ nodes: [node] }, effort) => {
    const raw = await Raw.open(node, 1)
    const clients = {
      ioredis: await Ioredis.open(node, 1),
      "thunk-disque": await openThunkDisque(node, 1),
      "disqueue-node": await openDisqueueNode(node, 1)
    }
    const disco = await Disco.open(node)
    const text: Array<string> = []
    const figures: Figures = {}
    const peers = Object.keys(clients)
    for (const size of effort.sizes) {
      const contest: Contest = {
        title: `100 a call, ${sizeName(size)}`,
        jobs: 10_000,
        contenders: [
          { name: "raw", run: async (jobs) => raw.ack(await raw.get(queue, jobs)) },
          ...Object.entries(clients).map(([name, client]) => ({ name, run: getting(client, queue, 100) })),
          { name: "Disco", run: disco.getting(queue, 100) }
        ],
        before: (jobs) => raw.addMany(queue, "x".repeat(size), jobs)
      }
      const outcome = await hold(contest, effort)
      text.push(show(outcome, ["raw"], peers))
      figures[size === large ? "getAckLarge" : "getAck"] = outcome.shareOfFastest("Disco", peers)
    }
    await disco.close()
    for (const client of [raw, ...Object.values(clients)]) client.close()
    return { text: text.join("\n"), figures }
  }
}
