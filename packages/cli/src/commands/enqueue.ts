/** `disco enqueue`: puts jobs back. */
import { Settling } from "@disco/core/internal"
import { settleCommand } from "../jobs/settleCommand.js"

export const command = settleCommand({
  name: "enqueue",
  summary: "Put jobs back into their queues at once",
  details:
    "Each job is looked for on all nodes, and queued (ENQUEUE) on one that has it. This counts in its additional deliveries, and not in its nacks. A job that waits for its delay is queued at once. A job with RETRY 0 that was delivered cannot be put back.",
  deed: Settling.enqueue,
  examples: [["disco enqueue D-dcb833cf-8YL1NT17e9+wsA/09NqxscQI-05a1", "one job"]]
})
