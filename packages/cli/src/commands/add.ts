/** `disco add`: adds jobs to a queue, one or millions. */
import { type AddJobOptions, Commands, DisquePool } from "@disco/core"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { UsageError } from "../CliError.js"
import { onCluster } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { Settings } from "../connection/Settings.js"
import { adding, mostFailures, type Outcome, type Tally } from "../jobs/adding.js"
import type { Line } from "../jobs/lines.js"
import { sourceOf } from "../jobs/sources.js"
import { age, count, counted, rate } from "../output/format.js"
import { Output } from "../output/Output.js"
import * as read from "../readers.js"
import { Streams } from "../Streams.js"

export const Added = Schema.Struct({
  line: Schema.Positive.annotations({ description: "the number of the line, or of the BODY, from 1" }),
  id: Schema.NullOr(Schema.String).annotations({ description: "the id of the job; null if it was not added" }),
  error: Schema.NullOr(Schema.String).annotations({ description: "why the job was not added, or may not have been" })
})

type Added = typeof Added.Type

const seconds = "with its unit, in whole seconds: 30s, 5m, 2h, 1d"

/** How often the line of progress changes, in ms. */
const progressEvery = 200

const addedOf = ({ line, result }: Outcome): Added =>
  Either.match(result, {
    onLeft: ({ message }) => ({ line, id: null, error: message }),
    onRight: (id) => ({ line, id, error: null })
  })

/** What is known so far, in words. */
const sum = ({ added, failed, unknown }: Tally): string =>
  [
    `${counted(added, "job")} added`,
    ...(failed > 0 ? [`${count(failed)} not added`] : []),
    ...(unknown > 0 ? [`${count(unknown)} perhaps added`] : [])
  ].join(", ")

/** How many copies of a line come at a time. */
const copiesAtATime = 256

/** Each line so many times. */
const repeated = <E, R>(lines: Stream.Stream<Line, E, R>, times: number): Stream.Stream<Line, E, R> =>
  times === 1
    ? lines
    : Stream.flatMap(lines, (line) =>
        Stream.unfoldChunk(times, (left) => {
          const some = Math.min(left, copiesAtATime)
          return some === 0 ? Option.none() : Option.some([Chunk.makeBy(some, () => line), left - some] as const)
        })
      )

/** Why the work ended before all was added. */
const stopped = ({ end, last }: Tally): string | undefined => {
  if (end === "interrupted") return `stopped: line ${count(last)} was the last, and no line behind it was added`
  if (end === "unreadable") return `line ${count(last)} was the last that could be read`
  if (end === "failures")
    return `stopped after ${mostFailures} failures in a row: no line behind ${count(last)} was added`
  return undefined
}

export const command = onCluster({
  name: "add",
  summary: "Add jobs to a queue, one or millions",
  details:
    "Prints the id of each job once as many copies exist as were asked for. Lines are added as they come, in their order, and take the same memory however many they are. A line ends with a line feed, before which a carriage return may stand. A job that was not added is named on standard error with the number of its line, and the others are added all the same; after 256 failures in a row no more lines are read. Ctrl-C waits for what is under way, and says which line was the last.",
  args: {
    queue: option.argument("QUEUE", read.queue, "The queue."),
    bodies: option.someArguments(
      "BODY",
      read.anyText,
      "The body of a job; several make several jobs. - is the whole of standard input.",
      0
    )
  },
  options: {
    lines: option.flag("Add a job for each line of standard input, or of the file."),
    file: option.optional(
      "FILE",
      read.text("the path of a file"),
      "Take the body, or with --lines the lines, from a file.",
      {
        completion: "file"
      }
    ),
    delay: option.optional("TIME", read.duration(), `How long the job waits before it is queued, ${seconds}.`),
    retry: option.optional(
      "TIME",
      read.duration(),
      `After how long the job is queued again if it was not acknowledged, ${seconds}. With 0 it is delivered once or never. Default: a tenth of the TTL, at most 5m.`
    ),
    ttl: option.optional(
      "TIME",
      read.duration(),
      `After how long the job is deleted, done or not, ${seconds}. Default: 1d.`
    ),
    replicate: option.optional(
      "COUNT",
      read.count(1, 65_535),
      "How many nodes have a copy before the job counts as added. Default: 3, or as many as there are nodes."
    ),
    maxlen: option.optional(
      "COUNT",
      read.count(1),
      "Refuse the job if the queue of the node that takes it has so many jobs already."
    ),
    async: option.flag("Do not wait for the copies."),
    count: option.defaulted("COUNT", read.count(1), "1", "How often each job is added.")
  },
  output: Added,
  isStream: true,
  examples: [
    ['disco add emails \'{"to": "ada@example.com"}\'', "one job"],
    ["disco add reports weekly --delay 1h --retry 5m --ttl 2d", "one that is queued in an hour"],
    ["printf '1\\n2\\n3\\n' | disco add numbers --lines", "a job for each line"],
    ["disco add images --file picture.png", "one whose body is a file"]
  ],
  statuses: { 1: "Some jobs were not added, or it is not known whether they were." },
  run: ({ async, bodies, count: times, delay, file, lines, maxlen, queue, replicate, retry, ttl }) =>
    Effect.gen(function* () {
      const pool = yield* DisquePool
      const output = yield* Output
      const { stderr } = yield* Streams
      const { timeout } = yield* Settings
      const options: AddJobOptions = { timeout, delay, retry, ttl, replicate, maxLen: maxlen, async }
      // Refused before anything is read.
      yield* Effect.mapError(Commands.addJob.make(queue, "", options), ({ message }) => new UsageError({ message }))
      const source = yield* sourceOf({ bodies, file, lines })
      const since = yield* Clock.currentTimeMillis
      let shown = since
      const isMany = source.isMany || times > 1

      const speed = Effect.map(Clock.currentTimeMillis, (now) => ({ now, millis: Math.max(1, now - since) }))
      const progress = (tally: Tally) =>
        Effect.flatMap(speed, ({ millis, now }) => {
          if (!isMany || now - shown < progressEvery) return Effect.void
          shown = now
          return output.progress(`${sum(tally)}, ${rate((tally.added * 1000) / millis)}`)
        })
      const say = (outcomes: ReadonlyArray<Outcome>) =>
        Effect.gen(function* () {
          if (output.isJson)
            yield* Effect.forEach(outcomes, (each) => output.item(Added, addedOf(each), () => ""), { discard: true })
          else
            yield* output.text(() =>
              outcomes.flatMap(({ result }) => (Either.isRight(result) ? [result.right] : [])).join("\n")
            )
          for (const { line, result } of outcomes) {
            if (Either.isLeft(result)) yield* output.note(`disco: ${source.place(line)}${result.left.message}`)
          }
        })
      const report = (tally: Tally) =>
        Effect.gen(function* () {
          yield* output.progress("")
          const { millis } = yield* speed
          const why = source.hasLines ? stopped(tally) : undefined
          if (why !== undefined) yield* output.note(`disco: ${why}`)
          // Of a job that was added, its id is enough, and a script counts the ids.
          const isWhole = tally.end === "all" && tally.failed + tally.unknown === 0
          if (isWhole && !(stderr.isTerminal && isMany)) return
          yield* output.note(`disco: ${sum(tally)} in ${age(millis)} (${rate((tally.added * 1000) / millis)})`)
        })

      const tally = yield* adding(pool, {
        queue,
        options,
        lines: repeated(source.lines, times),
        mostBytes: source.mostBytes,
        onOutcomes: (outcomes, tally) => Effect.zipRight(say(outcomes), progress(tally)),
        report
      })
      return tally.failed + tally.unknown > 0 ? 1 : 0
    })
})
