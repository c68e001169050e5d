/** `disco explain`: what an error means, and what to do about it. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { UsageError } from "../CliError.js"
import { local } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { didYouMean } from "../command/suggestion.js"
import { type Explanation, explanations, find, namesOf } from "../explain/explanations.js"
import { Output } from "../output/Output.js"
import { paints, type Style } from "../output/style.js"
import { table } from "../output/table.js"
import * as read from "../readers.js"
import { wrap } from "../wrap.js"

const Explained = Schema.Struct({
  code: Schema.NullOr(Schema.String).annotations({ description: "the first word of what a node answers" }),
  tag: Schema.NullOr(Schema.String).annotations({ description: "the _tag of the error in programs" }),
  title: Schema.String,
  means: Schema.String,
  todo: Schema.Array(Schema.String)
})

const Answer = Schema.Struct({ errors: Schema.Array(Explained) })

const field = ({ code, means, tag, title, todo }: Explanation): typeof Explained.Type => ({
  code: code ?? null,
  tag: tag ?? null,
  title,
  means,
  todo
})

const page = (explanation: Explanation, style: Style): string => {
  const { bold } = paints(style)
  const columns = Math.min(100, style.columns)
  const [name = "", other] = namesOf(explanation)
  return [
    wrap(`${bold(name)}${other === undefined ? "" : ` (in programs: ${other})`}: ${explanation.title}`, columns),
    "",
    wrap(explanation.means, columns),
    "",
    bold("What to do"),
    ...explanation.todo.map((line) => wrap(`  - ${line}`, columns, 2))
  ].join("\n")
}

const all = (style: Style): string =>
  table<Explanation>(
    [
      { title: "CODE", cell: ({ code = "" }) => code },
      { title: "IN PROGRAMS", cell: ({ tag = "" }) => tag },
      { title: "", cell: ({ title }) => title, priority: 1 }
    ],
    explanations,
    style
  )

export const command = local({
  name: "explain",
  summary: "Say what an error means, and what to do about it",
  args: {
    error: option.someArguments(
      "ERROR",
      read.text("the name of an error"),
      "A code that a node answered, the tag of an error, or a whole message. Without it, all errors are listed.",
      0,
      explanations.flatMap(namesOf)
    )
  },
  output: Answer,
  examples: [
    ["disco explain NOREPL", "a code that a node answered"],
    ["disco explain OutcomeUnknown", "the tag of an error in a program"],
    ["disco explain '-PAUSED Queue paused in input, try later'", "a whole message"]
  ],
  run: ({ error }) =>
    Effect.gen(function* () {
      const output = yield* Output
      if (error.length === 0) return yield* output.answer(Answer, { errors: explanations.map(field) }, all)
      const text = error.join(" ")
      const found = find(text)
      if (found === undefined) {
        const meant = didYouMean(text, explanations.flatMap(namesOf))
        return yield* new UsageError({
          message: `there is no error ${JSON.stringify(text)}${meant || ": disco explain lists all"}`
        })
      }
      yield* output.answer(Answer, { errors: [field(found)] }, (style) => page(found, style))
    })
})
