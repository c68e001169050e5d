/** What `disco pause` and `disco resume` have in common. */
import { Cluster } from "@disco/core"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { type Command, type Example, onCluster } from "../command/Command.js"
import * as option from "../command/parameters.js"
import { Settings } from "../connection/Settings.js"
import { Output } from "../output/Output.js"
import { type Paint, type Paints, paints } from "../output/style.js"
import { table } from "../output/table.js"
import * as read from "../readers.js"

const State = Schema.Literal("none", "in", "out", "all")

type State = typeof State.Type

const NodeAnswer = Schema.Struct({
  node: Schema.String,
  before: Schema.NullOr(State),
  after: Schema.NullOr(State).annotations({
    description: "as the node said when it was asked afterwards; null if another node failed"
  }),
  error: Schema.NullOr(Schema.String).annotations({ description: "why the node did not do it" })
})

type NodeAnswer = typeof NodeAnswer.Type

const Answer = Schema.Struct({ queue: Schema.String, nodes: Schema.Array(NodeAnswer) })

/** What is paused as two flags. */
const flagsOf = (state: State) => ({ in: state === "in" || state === "all", out: state === "out" || state === "all" })

const stateOf = (flags: { readonly in: boolean; readonly out: boolean }): State =>
  flags.in ? (flags.out ? "all" : "in") : flags.out ? "out" : "none"

/** What is paused once more is paused; the rest stays as it is. */
export const paused = (before: State, what: State): State => {
  const [a, b] = [flagsOf(before), flagsOf(what)]
  return stateOf({ in: a.in || b.in, out: a.out || b.out })
}

/** What is paused once something goes on; the rest stays as it is. */
export const resumed = (before: State, what: State): State => {
  const [a, b] = [flagsOf(before), flagsOf(what)]
  return stateOf({ in: a.in && !b.in, out: a.out && !b.out })
}

const words: Record<State, string> = {
  none: "not paused",
  in: "takes no jobs",
  out: "delivers no jobs",
  all: "takes and delivers no jobs"
}

const nowText = ({ after, error }: NodeAnswer): string =>
  error !== null ? "failed" : after === null ? "done" : words[after]

const nowPaint =
  ({ green, red, yellow }: Paints) =>
  ({ after, error }: NodeAnswer): Paint =>
    error !== null ? red : after === null || after === "none" ? green : yellow

interface Described {
  readonly name: string
  readonly summary: string
  readonly details: string
  readonly examples: ReadonlyArray<Example>
  readonly sentence: string
  readonly next: (before: State, what: State) => State
}

export const pauseCommand = ({ details, examples, name, next, sentence, summary }: Described): Command =>
  onCluster({
    name,
    summary,
    details,
    args: {
      queue: option.argument("QUEUE", read.queue, "The queue."),
      what: option.optionalArgument("in|out|all", read.word<State>("in", "out", "all"), sentence, ["in", "out", "all"])
    },
    output: Answer,
    examples,
    statuses: { 1: "A node did not do it." },
    run: ({ queue, what }) =>
      Effect.gen(function* () {
        const output = yield* Output
        const { timeout } = yield* Settings
        const result = yield* Effect.either(
          Cluster.pause(queue, (before) => next(before, what ?? "all"), { within: timeout })
        )
        if (Either.isLeft(result) && result.left._tag === "InvalidArgument") return yield* result.left
        const failed = Either.isLeft(result) && result.left._tag === "NotOnEveryNode" ? result.left : undefined
        const changes = Either.isRight(result) ? result.right : []
        const nodes: ReadonlyArray<NodeAnswer> = [
          ...changes.map(({ after, before, node }) => ({ node, before, after, error: null })),
          ...(failed?.done ?? []).map((node) => ({ node, before: null, after: null, error: null })),
          ...(failed?.failures ?? []).map(({ error, node }) => ({
            node,
            before: null,
            after: null,
            error: error.message
          }))
        ]
        yield* output.answer(Answer, { queue, nodes }, (style) => {
          const paint = paints(style)
          return table(
            [
              { title: "NODE", cell: ({ node }) => node },
              { title: "NOW", cell: nowText, paint: nowPaint(paint) },
              {
                title: "BEFORE",
                cell: ({ after, before }) => (before === null || before === after ? "" : words[before]),
                priority: 1
              }
            ],
            nodes,
            style
          )
        })
        for (const { error } of failed?.failures ?? []) yield* output.note(`disco: ${error.message}`)
        return failed === undefined ? 0 : 1
      })
  })
