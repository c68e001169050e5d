/** `disco dequeue`: takes jobs out of their queues. */
import { Settling } from "@disco/core/internal"
import { settleCommand } from "../jobs/settleCommand.js"

export const command = settleCommand({
  name: "dequeue",
  summary: "Take jobs out of their queues, until their retry time",
  details:
    "Each job is looked for on all nodes, and taken out of its queue (DEQUEUE) wherever it waits. It is queued again after its retry time; a job with RETRY 0 is not queued again. Asks first, and needs --yes where no terminal is to ask on.",
  asks: "this takes out of their queues",
  deed: Settling.dequeue,
  examples: [["disco dequeue D-dcb833cf-8YL1NT17e9+wsA/09NqxscQI-05a1", "asks, and takes one job out"]]
})
