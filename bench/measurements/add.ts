/** ADDJOB: one after another, from many fibers, and many in one call. */
import type { Figures } from "../goals.js"
import { adding, type Client } from "../peers/client.js"
import { Disco } from "../peers/disco.js"
import { openDisqueueNode } from "../peers/disqueueNode.js"
import { Ioredis } from "../peers/ioredis.js"
import { Raw } from "../peers/raw.js"
import { openThunkDisque } from "../peers/thunkDisque.js"
import { type Contest, hold } from "../shared/contest.js"
import { large, type Measurement, queueOf, sizeName } from "../shared/measurement.js"
import { show } from "../shared/section.js"

const queue = queueOf("add")
const options = { replicate: 1 }

interface Contenders {
  readonly raw: Raw
  readonly ioredis: Ioredis
  readonly others: Readonly<Record<string, Client>>
  readonly disco: Disco
}

const contest = ({ disco, ioredis, others, raw }: Contenders, inFlight: number, size: number): Contest => {
  const body = "x".repeat(size)
  return {
    title: inFlight === 1 ? `one after another, ${sizeName(size)}` : `${inFlight} in flight, ${sizeName(size)}`,
    jobs: inFlight === 1 ? 4000 : 10_000,
    contenders: [
      {
        name: "raw",
        run: (jobs) => (inFlight === 1 ? raw.addSingly(queue, body, jobs) : raw.addMany(queue, body, jobs))
      },
      { name: "ioredis", run: adding([ioredis], queue, body, inFlight) },
      ...Object.entries(others).map(([name, client]) => ({ name, run: adding([client], queue, body, inFlight) })),
      { name: "Disco", run: disco.adding(queue, body, inFlight, options) }
    ],
    after: () => raw.drain(queue)
  }
}

const manyACall = ({ disco, ioredis, raw }: Contenders, size: number): Contest => {
  const body = "x".repeat(size)
  return {
    title: `100 a call, two at a time, ${sizeName(size)}`,
    jobs: 10_000,
    contenders: [
      { name: "raw", run: (jobs) => raw.addMany(queue, body, jobs) },
      {
        name: "ioredis",
        run: async (jobs, took) => {
          let left = jobs / 100
          const loop = async () => {
            while (left-- > 0) {
              const started = performance.now()
              await ioredis.addMany(queue, body, 100)
              took(performance.now() - started)
            }
          }
          await Promise.all([loop(), loop()])
        }
      },
      { name: "Disco", run: disco.addingMany(queue, body, options) }
    ],
    after: () => raw.drain(queue)
  }
}

export const add: Measurement = {
  name: "add",
  title: "Adding jobs (ADDJOB) on one node.",
  nodes: 1,
  hasGoals: true,
  measure: async ({ nodes: [node] }, effort) => {
    const contenders: Contenders = {
      raw: await Raw.open(node, 1),
      ioredis: await Ioredis.open(node, 1),
      others: { "thunk-disque": await openThunkDisque(node, 1), "disqueue-node": await openDisqueueNode(node, 1) },
      disco: await Disco.open(node)
    }
    const peers = ["ioredis", ...Object.keys(contenders.others)]
    const text: Array<string> = []
    const figures: Figures = {}
    for (const size of effort.sizes) {
      const shares: Array<number> = []
      for (const inFlight of [1, 64, 256]) {
        const outcome = await hold(contest(contenders, inFlight, size), effort)
        text.push(show(outcome, ["raw"], peers))
        shares.push(outcome.shareOfFastest("Disco", peers))
      }
      const [addAlone = 0, add64 = 0, add256 = 0] = shares
      const outcome = await hold(manyACall(contenders, size), effort)
      text.push(show(outcome, ["raw", "ioredis"]))
      if (size === large) Object.assign(figures, { add64Large: add64, add256Large: add256 } satisfies Figures)
      else
        Object.assign(figures, { addAlone, add64, add256, addJobsRaw: outcome.ratio("Disco", "raw") } satisfies Figures)
    }
    const { disco, ioredis, others, raw } = contenders
    await disco.close()
    for (const client of [raw, ioredis, ...Object.values(others)]) client.close()
    return { text: text.join("\n"), figures }
  }
}
