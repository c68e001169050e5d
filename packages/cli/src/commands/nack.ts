/** `disco nack`: puts jobs back, which counts as failures. */
import { Settling } from "@disco/core/internal"
import { settleCommand } from "../jobs/settleCommand.js"

export const command = settleCommand({
  name: "nack",
  summary: "Put jobs back into their queues at once, as failed",
  details:
    "Each job is looked for on all nodes, and put back (NACK) on one that has it. This counts in its nacks, which workers take for failures; disco enqueue does not. A job that waits for its delay is queued at once. A job with RETRY 0 that was delivered cannot be put back.",
  deed: Settling.nack,
  examples: [["disco nack D-dcb833cf-8YL1NT17e9+wsA/09NqxscQI-05a1", "one job"]]
})
