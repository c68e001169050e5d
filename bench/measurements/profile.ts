/** Where the time of a job goes: in the work that has a goal, and in that of the peers beside it. */
import { flowing, getting } from "../peers/client.js"
import { Disco } from "../peers/disco.js"
import { openDisqueueNode } from "../peers/disqueueNode.js"
import { Raw } from "../peers/raw.js"
import { openThunkDisque } from "../peers/thunkDisque.js"
import type { Contender } from "../shared/contest.js"
import { large, type Measurement, queueOf, sizeName } from "../shared/measurement.js"
import { profiles, type Work } from "../shared/profile.js"

const queue = queueOf("profile")
const body = "x".repeat(100)
const options = { replicate: 1 }

export const profile: Measurement = {
  name: "profile",
  title:
    "Where the time of a job goes, in µs of the client's thread: waiting, sockets and their system calls, the garbage collector, the rest of Node.js, Effect, the packages of Disco, and others (the peer, or what the benchmark does itself).",
  nodes: 1,
  hasGoals: false,
  measure: async ({ nodes: [node] }, effort) => {
    const raw = await Raw.open(node, 1)
    const disqueueNode = await openDisqueueNode(node, 1)
    const thunks = [await openThunkDisque(node, 1), await openThunkDisque(node, 1)] as const
    const disco = await Disco.open(node)
    const drain = () => raw.drain(queue)
    const added = (run: Contender["run"], name: string): Work => ({ name, run, after: drain })
    const fetched = (run: Contender["run"], name: string, size: number): Work => ({
      name: `${name}, ${sizeName(size)}`,
      run,
      before: (jobs) => raw.addMany(queue, "x".repeat(size), jobs)
    })
    const works: ReadonlyArray<Work> = [
      added(disco.adding(queue, body, 1, options), "`addJob`, one after another"),
      added(disco.adding(queue, body, 256, options), "`addJob`, 256 fibers"),
      added(disco.addingMany(queue, body, options), "`addJobs`, 100 a call"),
      fetched(disco.getting(queue, 100), "`getJobs` of 100, `ackJob`", 100),
      fetched(getting(disqueueNode, queue, 100), "the same with disqueue-node", 100),
      fetched(disco.getting(queue, 100), "`getJobs` of 100, `ackJob`", large),
      fetched(getting(disqueueNode, queue, 100), "the same with disqueue-node", large),
      { name: "thunk-disque by hand, end to end", run: flowing([thunks[0]], thunks[1], `${queue}-thunk`, body, 64) },
      { name: "`funnel.forEach`, 64 at a time", run: await disco.handling(`${queue}-forEach`, body, options, 64) },
      { name: "`funnel.incoming`", run: await disco.funnelling(`${queue}-funnel`, body, options) },
      { name: "Worker, text", run: await disco.working(`${queue}-worker`, body, options) },
      { name: "Worker, JSON", run: await disco.workingJson(`${queue}-json`, body.length, options) }
    ]
    const text = await profiles(works, 10_000, effort)
    await disco.close()
    for (const client of [raw, disqueueNode, ...thunks]) client.close()
    return { text, figures: {} }
  }
}
