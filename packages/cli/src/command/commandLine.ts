/** Reads the command line of one command. */
import type { InvalidArgument } from "@disco/core"
import * as Either from "effect/Either"
import { UsageError } from "../CliError.js"
import type { Argument, Option } from "./parameters.js"
import { didYouMean } from "./suggestion.js"

/** The name of an option on the command line. Keys are in camel case. */
export const optionName = (key: string): string => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

type Options = Readonly<Record<string, Option<unknown>>>
type Arguments = Readonly<Record<string, Argument<unknown>>>

/** All that a command takes, common options included. */
export interface Signature {
  /** The words before the arguments: `queues`, `node leave`. */
  readonly path: string
  readonly args: Arguments
  readonly options: Options
}

/** What was written: for each option its values, and the arguments. */
interface Words {
  readonly options: ReadonlyMap<string, ReadonlyArray<string>>
  readonly args: ReadonlyArray<string>
}

const fail = (message: string): Either.Either<never, UsageError> => Either.left(new UsageError({ message }))

/** What begins with - and is no option: - itself, a number, and text with spaces, such as the error that a node answered. */
const isArgument = (word: string): boolean => !word.startsWith("-") || /^-($|\d|[^-].*\s)/s.test(word)

/** Options may stand before, between and behind arguments. All behind `--` are arguments. */
const split = ({ options, path }: Signature, words: ReadonlyArray<string>): Either.Either<Words, UsageError> => {
  const keys = new Map<string, string>()
  for (const [key, { alias, short }] of Object.entries(options)) {
    keys.set(optionName(key), key)
    if (alias !== undefined) keys.set(`--${alias}`, key)
    if (short !== undefined) keys.set(`-${short}`, key)
  }
  const given = new Map<string, Array<string>>()
  const args: Array<string> = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ""
    if (word === "--") {
      return Either.right({ options: given, args: args.concat(words.slice(i + 1)) })
    }
    if (isArgument(word)) {
      args.push(word)
      continue
    }
    const equals = word.startsWith("--") ? word.indexOf("=") : -1
    const name = equals < 0 ? word : word.slice(0, equals)
    const key = keys.get(name)
    if (key === undefined) {
      return fail(
        `${path} has no option ${name}${didYouMean(
          name,
          [...keys.keys()].filter((each) => each.length > 2)
        )}`
      )
    }
    const values = given.get(key) ?? []
    given.set(key, values)
    if (options[key]?.kind === "flag") {
      if (equals >= 0) return fail(`${name} takes no value`)
      values.push("yes")
      continue
    }
    if (equals >= 0) {
      values.push(word.slice(equals + 1))
      continue
    }
    const next = words[i + 1]
    if (next === undefined || keys.has(next.replace(/^(--[^=]*)=.*$/s, "$1"))) return fail(`${name} takes a value`)
    values.push(next)
    i++
  }
  return Either.right({ options: given, args })
}

/** Hands the arguments out to their places. */
const place = (
  { args: declared, path }: Signature,
  args: ReadonlyArray<string>
): Either.Either<ReadonlyMap<string, ReadonlyArray<string>>, UsageError> => {
  const placed = new Map<string, ReadonlyArray<string>>()
  let at = 0
  for (const [key, { isMany, least, value }] of Object.entries(declared)) {
    const taken = args.slice(at, isMany ? undefined : at + 1)
    if (taken.length < least) return fail(`${path} needs ${value}${isMany ? ", one or more" : ""}`)
    placed.set(key, taken)
    at += taken.length
  }
  const surplus = args[at]
  if (surplus === undefined) return Either.right(placed)
  const takes = Object.keys(declared).length === 0 ? "takes no arguments" : "takes no more arguments"
  return fail(`${path} ${takes}, and there is ${JSON.stringify(surplus)}`)
}

/** Reads what was written. A value that does not fit is refused with its name and what was expected. */
export const read = (
  signature: Signature,
  words: ReadonlyArray<string>
): Either.Either<Readonly<Record<string, unknown>>, UsageError> =>
  Either.gen(function* () {
    const { args, options } = yield* split(signature, words)
    const placed = yield* place(signature, args)
    const input: Record<string, unknown> = {}
    const checked = <A>(value: Either.Either<A, InvalidArgument>) =>
      Either.mapLeft(value, ({ message }) => new UsageError({ message }))
    for (const [key, argument] of Object.entries(signature.args)) {
      input[key] = yield* checked(argument.read(signature.path, argument.value, placed.get(key) ?? []))
    }
    for (const [key, option] of Object.entries(signature.options)) {
      input[key] = yield* checked(option.read(signature.path, optionName(key), options.get(key) ?? []))
    }
    return input
  })
