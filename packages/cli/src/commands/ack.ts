/** `disco ack`: acknowledges jobs. */
import { Settling } from "@disco/core/internal"
import { settleCommand } from "../jobs/settleCommand.js"

export const command = settleCommand({
  name: "ack",
  summary: "Acknowledge jobs: they are done, and deleted on all nodes",
  details:
    "Each job is looked for on all nodes, and acknowledged (ACKJOB) on one that has it, which tells the others. Asks first, and needs --yes where no terminal is to ask on.",
  asks: "this acknowledges, and so deletes,",
  deed: Settling.ack,
  examples: [
    ["disco ack D-dcb833cf-8YL1NT17e9+wsA/09NqxscQI-05a1", "asks, and acknowledges one job"],
    ["disco ack --yes - < ids.txt", "all jobs whose ids are in a file"]
  ]
})
