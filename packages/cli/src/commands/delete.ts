/** `disco delete`: deletes jobs on all nodes. */
import { Settling } from "@disco/core/internal"
import { settleCommand } from "../jobs/settleCommand.js"

export const command = settleCommand({
  name: "delete",
  summary: "Delete jobs on all nodes",
  details:
    "Each job is looked for on all nodes, deleted (DELJOB) on each that has a copy, and looked for again. A node that does not answer may have a copy, and deliver it later: the status is 1 then. A job that is done is better acknowledged, which reaches such a node too. Asks first, and needs --yes where no terminal is to ask on.",
  asks: "this deletes",
  deed: Settling.remove,
  examples: [
    ["disco delete D-dcb833cf-8YL1NT17e9+wsA/09NqxscQI-05a1", "asks, and deletes one job"],
    ["jq -r .id jobs.json | disco delete --yes -", "the jobs that disco jobs --json has written to a file"]
  ]
})
