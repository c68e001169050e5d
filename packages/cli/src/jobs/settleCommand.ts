/** What `ack`, `nack`, `enqueue`, `dequeue` and `delete` have in common. */
import { DisquePool, JobId } from "@disco/core"
import { Settling } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { CliError } from "../CliError.js"
import { UsageError } from "../CliError.js"
import { type Command, type Example, onCluster } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { confirm } from "../confirm.js"
import { count, counted } from "../output/format.js"
import { Output } from "../output/Output.js"
import { paints, type Style } from "../output/style.js"
import { printable, width } from "../output/text.js"
import * as read from "../readers.js"
import { Streams } from "../Streams.js"
import { wrap } from "../wrap.js"
import { type Line, lines } from "./lines.js"

const SettledFields = Schema.Struct({
  id: Schema.String,
  outcome: Schema.Literal("done", "unchanged", "unknown", "failed").annotations({
    description:
      "done: it took effect; unchanged: there was nothing to do, or it cannot be done to this job; unknown: no node knows the job; failed: a node did not do its part"
  }),
  nodes: Schema.Array(Schema.String).annotations({ description: "the nodes on which it took effect" }),
  text: Schema.String.annotations({ description: "what happened, in words" })
})

interface Described {
  readonly name: string
  readonly summary: string
  readonly details: string
  readonly examples: ReadonlyArray<Example>
  readonly deed: Settling.Deed
  /** What is about to happen to some jobs, if it is to be asked first: "this deletes". */
  readonly asks?: string
}

/** An id takes most of a line of 80 columns: what happened to the job follows on the same line if there is room. */
const lineOf = ({ id, outcome, text }: Settling.Settled, style: Style): string => {
  const paint = paints(style)
  const color = outcome === "done" ? paint.green : outcome === "unchanged" ? paint.yellow : paint.red
  const whole = `${id}  ${text}`
  if (width(whole) <= style.columns) return `${id}  ${color(text)}`
  return [id, ...wrap(`  ${text}`, style.columns).split("\n").map(color)].join("\n")
}

const mostOfLine = 1000
const atATime = 16

interface Named {
  readonly line: number
  readonly id: Either.Either<JobId.JobId, string>
}

const decoder = new TextDecoder()

/** The id on a line of standard input; none on an empty line. */
const named = ({ body, number }: Line): Option.Option<Named> => {
  const text = body === undefined ? undefined : decoder.decode(body).trim()
  if (text === "") return Option.none()
  const id = text !== undefined && JobId.isJobId(text) ? Either.right(text) : Either.left(text ?? "")
  return Option.some({ line: number, id })
}

/** The id of a job, or -. */
const idOrDash: read.Reader<string> = (subject, name, text) =>
  text === "-" ? Either.right(text) : read.jobId(subject, name, text)

const cutText = (text: string): string => JSON.stringify(printable(text.length > 60 ? `${text.slice(0, 60)}…` : text))

export const settleCommand = ({ asks, deed, details, examples, name, summary }: Described): Command =>
  onCluster({
    name,
    summary,
    details,
    args: {
      ids: option.someArguments("ID", idOrDash, "The id of a job. - reads ids from standard input, one a line.")
    },
    options: asks === undefined ? {} : { yes: option.yes },
    output: SettledFields,
    isStream: true,
    examples,
    statuses: { 1: "It did not take effect for each job." },
    run: (input: { readonly ids: ReadonlyArray<string>; readonly yes?: boolean }) =>
      Effect.gen(function* () {
        const pool = yield* DisquePool
        const output = yield* Output
        const { stdin } = yield* Streams
        const isDash = input.ids.includes("-")
        if (isDash && input.ids.length > 1) {
          return yield* new UsageError({
            message: "- reads the ids from standard input, and stands without another ID"
          })
        }
        const ids = [...new Set(input.ids)]
        if (asks !== undefined) {
          const jobs = isDash ? "the jobs whose ids come on standard input" : counted(ids.length, "job")
          yield* confirm({ yes: input.yes === true, what: `${asks} ${jobs}` })
        }
        const given: Stream.Stream<Named, CliError> = isDash
          ? Stream.filterMap(lines(stdin.bytes, mostOfLine), named)
          : Stream.fromIterable(ids.map((id, i) => ({ line: i + 1, id: Either.right(JobId.make(id)) })))
        const settler = yield* Settling.Settler.make(pool)
        let all = 0
        let done = 0
        yield* given.pipe(
          Stream.mapEffect(
            ({ id, line }): Effect.Effect<Settling.Settled> =>
              Either.match(id, {
                onLeft: (text) =>
                  Effect.succeed({
                    id: text,
                    outcome: "failed",
                    nodes: [],
                    text: `line ${line} is ${cutText(text)}, expected the id of a job`
                  }),
                onRight: (id) => settler.settle(deed, id)
              }),
            { concurrency: atATime }
          ),
          Stream.runForEach((settled) => {
            all += 1
            if (settled.outcome === "done") done += 1
            return JobId.isJobId(settled.id) || output.isJson
              ? output.item(SettledFields, settled, (style) => lineOf(settled, style))
              : output.note(`disco: ${settled.text}`)
          })
        )
        if (all > 1) yield* output.text(() => `${count(done)} of ${counted(all, "job")}`)
        return done === all ? 0 : 1
      })
  })
