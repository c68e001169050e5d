/** `disco resume`: lets a queue go on on every node. */
import { pauseCommand, resumed } from "../jobs/pauseCommand.js"

export const command = pauseCommand({
  name: "resume",
  summary: "Let a paused queue go on, on every node",
  details: "Each node is told, and asked afterwards. What is not named stays paused.",
  sentence: "What goes on. Default: all.",
  next: resumed,
  examples: [
    ["disco resume emails", "jobs come in and go out again"],
    ["disco resume emails in", "jobs come in again"]
  ]
})
