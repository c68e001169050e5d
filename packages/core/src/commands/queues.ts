/** The commands about queues. */
import * as Either from "effect/Either"
import * as Command from "../Command.js"
import * as argument from "../internal/argument.js"
import * as Reply from "../Reply.js"

/** QLEN: the number of jobs in one node's queue. */
export const queueLength = Command.define({
  name: "QLEN",
  blocks: false,
  isIdempotent: true,
  needsHolder: false,
  refusals: [],
  encode: (queue: string) => Either.map(argument.queue("QLEN", queue), (name) => ({ args: [name], queue: name })),
  decode: Reply.integer
})
