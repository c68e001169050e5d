/**
 * The arguments and options of commands. Each says how it is written, read and described: the command line, the help, the completion
 * of shells and the documentation come from that.
 */
import type { InvalidArgument } from "@disco/core"
import { OptionReader } from "@disco/core/internal"
import * as Either from "effect/Either"
import * as read from "../readers.js"

/** Reads all that was written for a parameter, which may be nothing. `subject` and `name` say where it was written. */
type ReadAll<A> = (subject: string, name: string, texts: ReadonlyArray<string>) => Either.Either<A, InvalidArgument>

/** What a shell can offer for a value. */
export type Completion = "file" | "folder" | ReadonlyArray<string>

/** What arguments and options have in common. */
export interface Parameter<A> {
  /** What stands for the value in the help: FILE, DURATION. Empty for a flag. */
  readonly value: string
  /** Sentences for the help, with the unit and the meaning. */
  readonly sentence: string
  /** The value if nothing is written, as it would be written. */
  readonly fallback?: string | undefined
  readonly completion?: Completion | undefined
  readonly read: ReadAll<A>
}

/** An option: `--name VALUE`, or `--name` alone for a flag. */
export interface Option<A> extends Parameter<A> {
  readonly kind: "one" | "many" | "flag"
  /** Another name: `--alias`. */
  readonly alias?: string | undefined
  /** A name of one letter: `-a`. */
  readonly short?: string | undefined
  /** The heading in the help. Default: Options. */
  readonly group?: string | undefined
}

/** An argument, named by its `value`. */
export interface Argument<A> extends Parameter<A> {
  readonly least: 0 | 1
  readonly isMany: boolean
}

interface More {
  readonly alias?: string
  readonly short?: string
  readonly group?: string
  readonly completion?: Completion
}

const only =
  <A>(read: read.Reader<A>): ReadAll<A | undefined> =>
  (subject, name, [first, second]) => {
    if (second !== undefined) return OptionReader.refuseText(subject, name, "given twice", "one value")
    return first === undefined ? Either.right(undefined) : read(subject, name, first)
  }

const each =
  <A>(read: read.Reader<A>): ReadAll<ReadonlyArray<A>> =>
  (subject, name, texts) =>
    Either.all(texts.map((text) => read(subject, name, text)))

/** An option that may be left out. */
export const optional = <A>(
  value: string,
  read: read.Reader<A>,
  sentence: string,
  more: More = {}
): Option<A | undefined> => ({ kind: "one", value, sentence, read: only(read), ...more })

/** An option with a default, which is written as a user would write it. */
export const defaulted = <A>(
  value: string,
  read: read.Reader<A>,
  fallback: string,
  sentence: string,
  more: More = {}
): Option<A> => ({
  kind: "one",
  value,
  sentence,
  fallback,
  read: (subject, name, texts) =>
    Either.flatMap(only(read)(subject, name, texts), (given) =>
      given === undefined ? read(subject, name, fallback) : Either.right(given)
    ),
  ...more
})

/** An option that takes one of some words. */
export const choice = <const A extends string>(
  words: ReadonlyArray<A>,
  fallback: NoInfer<A>,
  sentence: string,
  more: More = {}
): Option<A> => defaulted(words.join("|"), read.word(...words), fallback, sentence, { completion: words, ...more })

/** An option that may be given several times. */
export const many = <A>(
  value: string,
  read: read.Reader<A>,
  sentence: string,
  more: More = {}
): Option<ReadonlyArray<A>> => ({ kind: "many", value, sentence, read: each(read), ...more })

/** An option without a value. */
export const flag = (sentence: string, more: More = {}): Option<boolean> => ({
  kind: "flag",
  value: "",
  sentence,
  read: (_, __, texts) => Either.right(texts.length > 0),
  ...more
})

/** For commands that ask before they do something: the answer. */
export const yes = flag("Do not ask: the answer is yes.", { short: "y" })

/** An argument that has to be there. */
export const argument = <A>(
  value: string,
  read: read.Reader<A>,
  sentence: string,
  completion?: Completion
): Argument<A> => ({
  value,
  sentence,
  completion,
  least: 1,
  isMany: false,
  // The command line has checked that there is one.
  read: (subject, name, [text = ""]) => read(subject, name, text)
})

/** An argument that may be left out. */
export const optionalArgument = <A>(
  value: string,
  read: read.Reader<A>,
  sentence: string,
  completion?: Completion
): Argument<A | undefined> => ({
  value,
  sentence,
  completion,
  least: 0,
  isMany: false,
  read: only(read)
})

/** The last arguments, as many as there are: `least` or more. */
export const someArguments = <A>(
  value: string,
  read: read.Reader<A>,
  sentence: string,
  least: 0 | 1 = 1,
  completion?: Completion
): Argument<ReadonlyArray<A>> => ({
  value,
  sentence,
  completion,
  least,
  isMany: true,
  read: each(read)
})
