/** `disco dead redrive`. */
import * as Effect from "effect/Effect"
import { onCluster } from "../../command/Command.js"
import * as option from "../../command/parameters.js"
import { Answer, deal } from "../../jobs/deadDeed.js"
import { deadLetter } from "../../jobs/letters.js"
import { deadQueue, letterIds, where } from "../../jobs/options.js"
import * as read from "../../readers.js"

export const redrive = onCluster({
  name: "redrive",
  summary: "Add jobs that were given up to their queues again",
  details:
    "Each job is added as it was at first, with no attempts and its whole TTL, and its letter is acknowledged after that: none is lost. If it is unknown whether a job was added, it may be in both queues. At most 100,000 letters in one run. Ctrl-C puts back the letters in hand.",
  args: { queue: deadQueue, ids: letterIds },
  options: {
    where,
    limit: option.optional("COUNT", read.count(1), "The most letters. Default: all."),
    rate: option.optional("COUNT", read.count(1, 1_000_000), "Add at most so many jobs a second."),
    dryRun: option.flag("Add nothing, and print which letters are meant.")
  },
  output: Answer,
  examples: [
    ["disco dead redrive emails --where crashed --dry-run", "which letters are meant"],
    ["disco dead redrive emails --rate 10", "all of them, ten a second"]
  ],
  statuses: { 1: "Not all of the jobs were added." },
  run: ({ dryRun, ids, limit, queue, rate, where }) =>
    deal({
      queue,
      ids,
      limit,
      where,
      dryRun,
      perSecond: rate,
      done: "added again",
      ask: () => Effect.void,
      act: (ids) => Effect.flatMap(deadLetter, ({ redrive }) => redrive(queue, { ids }))
    })
})
