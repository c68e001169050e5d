/** `disco dead purge`. */
import * as Effect from "effect/Effect"
import { onCluster } from "../../command/Command.js"
import * as option from "../../command/parameters.js"
import { confirm } from "../../confirm.js"
import { Answer, deal } from "../../jobs/deadDeed.js"
import { deadLetter } from "../../jobs/letters.js"
import { deadQueue, letterIds, where } from "../../jobs/options.js"
import * as read from "../../readers.js"

export const purge = onCluster({
  name: "purge",
  summary: "Delete letters, and the jobs in them",
  details:
    "The letters are looked for first, and only those are deleted. Asks first, and needs --yes where no terminal is to ask on. At most 100,000 letters in one run.",
  args: { queue: deadQueue, ids: letterIds },
  options: {
    where,
    limit: option.optional("COUNT", read.count(1), "The most letters. Default: all."),
    dryRun: option.flag("Delete nothing, and print which letters are meant."),
    yes: option.yes
  },
  output: Answer,
  examples: [
    ["disco dead purge emails --where undecodable --dry-run", "which letters are meant"],
    ["disco dead purge emails --where undecodable --yes", "delete them"]
  ],
  statuses: { 1: "Not all of the letters were deleted." },
  run: ({ dryRun, ids, limit, queue, where, yes }) =>
    deal({
      queue,
      ids,
      limit,
      where,
      dryRun,
      done: "deleted",
      ask: (letters) => confirm({ yes, what: `this deletes ${letters}, and the jobs in them` }),
      act: (ids) => Effect.flatMap(deadLetter, ({ purge }) => purge(queue, { ids }))
    })
})
