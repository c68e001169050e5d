/** `disco aof`: looks after the file of a node on disk. */
import * as Effect from "effect/Effect"
import { group, local } from "../command/Command.js"
import * as option from "../command/parameters.js"
import * as read from "../readers.js"

const file = option.argument(
  "FILE",
  read.text("the path of a file"),
  "An append-only file, disque.aof in the folder of a node.",
  "file"
)

const deeds = Effect.promise(() => import("../aof.js"))

const check = local({
  name: "check",
  summary: "Tell what is in an append-only file, and whether it is whole",
  args: { file },
  examples: [["disco aof check data/disque.aof", "the file of the node in the folder data"]],
  statuses: { 1: "The file is damaged, or cannot be read." },
  run: ({ file }) => Effect.flatMap(deeds, ({ check }) => check(file))
})

const fix = local({
  name: "fix",
  summary: "Cut out of an append-only file what cannot be read",
  details: "The file as it was stays beside it, as disque.aof.bak. End the node before.",
  args: { file },
  examples: [["disco aof fix data/disque.aof", "repairs a file that disco aof check calls damaged"]],
  run: ({ file }) => Effect.flatMap(deeds, ({ fix }) => fix(file))
})

export const command = group({
  name: "aof",
  summary: "Check and fix the file in which a node keeps its jobs",
  commands: [check, fix]
})
