/** `disco dead list`. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { onCluster } from "../../command/Command.js"
import * as option from "../../command/parameters.js"
import { chosen, fieldsOf, LetterFields, lineOf } from "../../jobs/letters.js"
import { deadQueue, where } from "../../jobs/options.js"
import { Output } from "../../output/Output.js"
import { printable } from "../../output/text.js"
import * as read from "../../readers.js"

export const list = onCluster({
  name: "list",
  summary: "List the jobs of a queue that were given up, the oldest first",
  details:
    "Each letter in two lines: its id; then the reason, how often the job was tried, when it failed last, and the error.",
  args: { queue: deadQueue },
  options: {
    where,
    limit: option.defaulted("COUNT", read.count(1, 10_000), "100", "The most letters.")
  },
  output: LetterFields,
  isStream: true,
  examples: [
    ["disco dead list emails", "the oldest hundred"],
    ["disco dead list emails --where timeout", "those with this word in their error"]
  ],
  run: ({ limit, queue, where }) =>
    Effect.gen(function* () {
      const output = yield* Output
      const now = yield* Clock.currentTimeMillis
      const letters = yield* chosen(queue, { ids: [], limit, where })
      for (const letter of letters) {
        const fields = fieldsOf(letter)
        yield* output.item(LetterFields, fields, (style) => lineOf(fields, now, style))
      }
      if (letters.length === 0) {
        const none = where === undefined ? "no letter" : "no such letter"
        yield* output.note(`disco: there is ${none} in ${printable(queue)}.dead`)
      }
    })
})
