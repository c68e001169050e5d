/** Asks before something is done that cannot be undone. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { CliError, UsageError } from "./CliError.js"
import { printable } from "./output/text.js"
import { Streams } from "./Streams.js"

interface Question {
  /** Whether `--yes` was given. */
  readonly yes: boolean
  /** What is about to happen, in a sentence without a full stop: "this deletes 12 jobs of emails". */
  readonly what: string
  /** For what is worst: a name that has to be typed. Without it, y is enough. */
  readonly name?: string
}

const asked = (question: string) =>
  Effect.flatMap(Streams, ({ stderr, stdin }) =>
    Effect.zipRight(
      stderr.write(question),
      Effect.map(
        stdin.line,
        Option.getOrElse(() => "")
      )
    )
  )

/**
 * Succeeds if the user wants it: by `--yes`, or by the answer on a terminal. Without a terminal it fails and says that `--yes` is
 * needed; after any other answer, it says that nothing was changed.
 */
export const confirm = ({ name, what, yes }: Question): Effect.Effect<void, CliError | UsageError, Streams> =>
  Effect.gen(function* () {
    if (yes) return
    const { stderr, stdin } = yield* Streams
    if (!stdin.isTerminal || !stderr.isTerminal) {
      return yield* new UsageError({ message: `${what}: give --yes, since there is no terminal to ask on` })
    }
    const answer =
      name === undefined
        ? yield* asked(`${what}. Go on? [y/N] `)
        : yield* asked(`${what}. Type ${printable(name)} to go on: `)
    const isWanted = name === undefined ? /^y(es)?$/i.test(answer.trim()) : answer.trim() === name
    if (!isWanted) return yield* new CliError({ message: "nothing was changed" })
  })
