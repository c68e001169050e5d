import { nullArray } from "../wire/answers.js"
import { abandon, unregister } from "./jobs.js"
import type { Node } from "./node.js"

/** Forgets all jobs and queues. Clients that wait for jobs get the answer of a timeout. */
export const flush = (node: Node): void => {
  for (const job of [...node.jobs.values()]) unregister(node, job)
  for (const client of [...node.clients.values()]) {
    if (client.blocked?.command !== "GETJOB") continue
    client.answer(nullArray)
    abandon(node, client)
  }
  node.queues.clear()
  node.readyQueues.clear()
  node.bus.federation.clear()
  node.memory = 0
}
