/** Arguments and options that several commands about jobs share. */
import { OptionReader, queueOfDead } from "@disco/core/internal"
import * as Either from "effect/Either"
import * as option from "../command/parameters.js"
import * as read from "../readers.js"

/** How bodies are shown. */
export const bodyForm = option.choice(
  ["auto", "text", "json", "hex"],
  "auto",
  "How a body is shown: as text, as json with its indentation, or as hex digits. auto takes what fits."
)

const regex: read.Reader<RegExp> = (subject, name, text) =>
  Either.match(
    Either.try(() => new RegExp(text, "u")),
    {
      onLeft: () => OptionReader.refuse(subject, name, text, "a regular expression, as JavaScript has them"),
      onRight: Either.right
    }
  )

/** Chooses jobs by their bodies. */
export const grep = option.optional("REGEX", regex, "Jobs whose body, as text, fits this regular expression.")

/** The name of the queue whose jobs were given up. That of their letters means the same. */
const queueOfLetters: read.Reader<string> = (subject, name, text) =>
  Either.map(read.queue(subject, name, text), (queue) => queueOfDead(queue) ?? queue)

export const deadQueue = option.argument(
  "QUEUE",
  queueOfLetters,
  "The queue of the jobs. Their letters are in QUEUE.dead."
)

/** Chooses letters. */
export const where = option.optional(
  "TEXT",
  read.text("a reason, or a part of an error"),
  "Letters with this reason (failed, crashed, undecodable), or else with this text in their error, in capitals or not.",
  { completion: ["failed", "crashed", "undecodable"] }
)

export const letterIds = option.someArguments(
  "ID",
  read.jobId,
  "The id of a letter, or of the job that was given up. Default: all letters.",
  0
)
