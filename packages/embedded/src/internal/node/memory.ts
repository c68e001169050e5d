import { Flag, State } from "./job.js"
import { unregister } from "./jobs.js"
import type { Node } from "./node.js"
import { collectQueues } from "./queues.js"

/** Eviction gives up after so many jobs in a row that are still needed. */
const maxNeeded = 10

/** Makes room: removes acknowledged jobs, and at-most-once jobs that have been delivered. False if too little was found. */
export const freeMemory = (node: Node): boolean => {
  if (node.memoryWarning < 2) return true
  if (node.config.get("maxmemory-policy") === "noeviction") return false
  const isFree = evict(node)
  node.latency.add("eviction-cycle", node.lap())
  return isFree
}

const evict = (node: Node): boolean => {
  let needed = 0
  while (node.memoryWarning === 2) {
    if (node.jobs.size === 0) {
      if (collectQueues(node, node.queues.size) === 0) return false
      continue
    }
    node.evictions ??= node.jobs.values()
    const next = node.evictions.next()
    if (next.done === true) {
      node.evictions = undefined
      if (++needed > maxNeeded) return false
      continue
    }
    const job = next.value
    if (job.state === State.acked || (job.retry === 0 && (job.flags & Flag.delivered) !== 0)) {
      unregister(node, job)
      needed = 0
    } else if (++needed > maxNeeded) {
      return false
    }
  }
  return true
}
