/** `disco top`: the queues of a cluster on the whole screen, live. */
import * as Effect from "effect/Effect"
import { onCluster } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { Settings } from "../connection/Settings.js"
import * as read from "../readers.js"

export const command = onCluster({
  name: "top",
  summary: "Watch the queues of a cluster, and open, pause, redrive or delete them",
  details:
    "Queues that something is the matter with come first. The keys are shown below; ? explains them. What cannot be undone is asked for first. Nodes that do not answer are shown, and asked again.",
  args: {
    pattern: option.optionalArgument(
      "PATTERN",
      read.text("a pattern of names, such as 'mail*'"),
      "Only queues with such names: * stands for any text, ? for any character."
    )
  },
  options: {
    every: option.defaulted(
      "TIME",
      read.duration(100),
      "1s",
      "The time from one look at the nodes to the next, 100ms or more."
    )
  },
  examples: [
    ["disco top", "all queues of the cluster in use"],
    ["disco top 'mail*' --every 5s", "some of them, every five seconds"]
  ],
  run: ({ every, pattern }) =>
    Effect.gen(function* () {
      const { timeout } = yield* Settings
      const [{ run }, { open }] = yield* Effect.promise(() =>
        Promise.all([import("../top/run.js"), import("../screen/processScreen.js")])
      )
      yield* run(open, { every, pattern, timeout })
    })
})
