/** `disco pause`: pauses a queue on every node. */
import { pauseCommand, paused } from "../jobs/pauseCommand.js"

export const command = pauseCommand({
  name: "pause",
  summary: "Pause a queue on every node",
  details:
    "Each node is told, and asked afterwards. in: the queue takes no jobs, and ADDJOB is refused; out: it delivers none; all: both. What is paused already stays paused. A node forgets its pauses when it ends. disco resume lets the queue go on.",
  sentence: "What to pause. Default: all.",
  next: paused,
  examples: [
    ["disco pause emails", "no jobs come in or go out"],
    ["disco pause emails out", "jobs gather, and none is delivered"]
  ]
})
