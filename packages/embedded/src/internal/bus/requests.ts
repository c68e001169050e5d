import type { Node } from "../node/node.js"
import type { Queue } from "../node/queue.js"

/** How many jobs a known source is asked for. */
const leastRequest = 5
const mostRequest = 100

/** How long a source is remembered, in s. */
const sourceTtl = 5

/** How long no more jobs are asked for where nobody waits, in ms. */
const pollInterval = 25

const forgetSources = (node: Node, queue: Queue): void => {
  if (queue.sources === null) return
  for (const [id, at] of queue.sources) if (node.seconds - at > sourceTtl) queue.sources.delete(id)
}

const ask = (node: Node, queue: Queue, id: string, standing: boolean): void => {
  const sources = queue.sources
  let count = 1
  if (sources?.has(id) === true) {
    const share = Math.floor(queue.importRate(node.ms) / sources.size)
    count = Math.min(mostRequest, Math.max(leastRequest, share))
  }
  node.send(id, { type: "needjobs", queue: queue.name, count, standing })
}

/**
 * Asks all other nodes for jobs of the queue on behalf of clients that are blocked on it. The request stands until it is
 * met or taken back, so that nothing has to be asked again and again.
 */
export const requestJobs = (node: Node, queue: Queue): void => {
  if (node.peers.size === 0 || node.leaving) return
  forgetSources(node, queue)
  queue.asked ??= new Set()
  for (const id of node.peers.keys()) {
    if (!queue.asked.has(id) && node.world.isLinked(node, id)) {
      queue.asked.add(id)
      ask(node, queue, id, true)
    }
  }
}

/** Asks once, on behalf of a client that does not wait: for the next time it comes. */
export const pollJobs = (node: Node, queue: Queue, among: "all" | "sources"): void => {
  if (node.peers.size === 0 || node.leaving) return
  if (among === "all" && node.ms - queue.askedAt < pollInterval) return
  queue.askedAt = node.ms
  forgetSources(node, queue)
  for (const id of among === "all" ? node.peers.keys() : (queue.sources?.keys() ?? [])) ask(node, queue, id, false)
}

/** Takes the standing requests for the queue back: nobody waits for it any more. */
export const withdrawRequests = (node: Node, queue: Queue): void => {
  if (queue.asked === null) return
  for (const id of queue.asked) node.send(id, { type: "needjobs", queue: queue.name, count: 0, standing: true })
  queue.asked = null
}
