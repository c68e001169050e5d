/** `disco demo`: jobs for the files of a folder. */
import * as Effect from "effect/Effect"
import { local } from "../command/Command.js"
import * as option from "../command/parameters.js"
import * as read from "../readers.js"

export const command = local({
  name: "demo",
  summary: "Watch real jobs go through Disque: one for each file of a folder",
  details: "The jobs go through a node in this process, or through the cluster of DISQUE_NODES.",
  options: {
    folder: option.optional(
      "DIR",
      read.text("the path of a folder"),
      "The folder to work on. Default: this one, without what does not belong to the project.",
      { completion: "folder" }
    ),
    port: option.defaulted("PORT", read.port, "0", "The port of the node in this process; 0 for any free one.")
  },
  examples: [["disco demo --folder ~/Documents", "a job for each file"]],
  run: (given) =>
    Effect.flatMap(
      Effect.promise(() => import("../demo/run.js")),
      ({ run }) => run(given)
    )
})
