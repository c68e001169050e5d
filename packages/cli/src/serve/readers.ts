/** Readers of values that are written as text: on the command line, in the environment, or in a configuration file. */
import type { InvalidArgument } from "@disco/core"
import { OptionReader } from "@disco/core/internal"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"

/** Reads one value. `subject` and `name` say where it was written, and a refusal shows them. */
export type Reader<A> = (subject: string, name: string, text: string) => Either.Either<A, InvalidArgument>

const refusing =
  <A>(expected: string, read: (text: string) => A | undefined): Reader<A> =>
  (subject, name, text) => {
    const value = read(text)
    return value === undefined ? OptionReader.refuse(subject, name, text, expected) : Either.right(value)
  }

const within = (text: string, least: number, most: number): number | undefined => {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  return value >= least && value <= most ? value : undefined
}

const maxPort = 65_535

/** A port; 0 stands for any free one. */
export const port = refusing("a port from 1 to 65535, or 0 for any free one", (text) => within(text, 0, maxPort))

/** A whole number. */
export const count = (least: number, most = Number.MAX_SAFE_INTEGER): Reader<number> =>
  refusing(
    most === Number.MAX_SAFE_INTEGER ? `a whole number, ${least} or more` : `a whole number from ${least} to ${most}`,
    (text) => within(text, least, most)
  )

const units: Record<string, number> = { "": 1, b: 1, k: 1e3, kb: 1024, m: 1e6, mb: 1024 ** 2, g: 1e9, gb: 1024 ** 3 }

/** A number of bytes, perhaps with a unit; `least` or more. */
export const size = (least: number): Reader<number> =>
  refusing(`a number of bytes, ${least} or more, or one with a unit (100mb)`, (text) => {
    const [, digits = "", unit = ""] = /^(\d+)([a-z]*)$/i.exec(text) ?? []
    const bytes = Number(digits) * (units[unit.toLowerCase()] ?? Number.NaN)
    return digits !== "" && bytes >= least && Number.isSafeInteger(bytes) ? bytes : undefined
  })

/** One of some words, in capitals or not. */
export const word = <A extends string>(...words: ReadonlyArray<A>): Reader<A> =>
  refusing(words.length > 1 ? `one of ${words.join(", ")}` : words[0] || "an empty text", (text) =>
    words.find((each) => each === text.toLowerCase())
  )

/** yes or no. */
export const yesOrNo: Reader<boolean> = (subject, name, text) =>
  Either.map(word("yes", "no")(subject, name, text), (answer) => answer === "yes")

/** Text of any form. */
export const anyText: Reader<string> = (_, __, text) => Either.right(text)

/** Text that is not empty. */
export const text =
  (expected: string): Reader<string> =>
  (subject, name, text) =>
    OptionReader.text(subject, name, text, expected)

/** The access rights of a file, in octal digits, as text. */
export const mode = refusing("access rights in octal digits, such as 770", (text) =>
  /^0*[0-7]{1,3}$/.test(text) ? text : undefined
)

// As in Disque.
const mostPassword = 512

/** A password, which no refusal shows. */
export const password: Reader<Redacted.Redacted> = (subject, name, text) => {
  const secret = Redacted.make(text)
  return text.length > mostPassword
    ? OptionReader.refuse(subject, name, secret, `at most ${mostPassword} characters`)
    : Either.map(OptionReader.secret(subject, name, secret), () => secret)
}

/** What a reader of numbers or words gives, as the text that a node takes. */
export const asParameter =
  (read: Reader<number | string | boolean>): Reader<string> =>
  (subject, name, text) =>
    Either.map(read(subject, name, text), (value) =>
      typeof value === "boolean" ? (value ? "yes" : "no") : String(value)
    )
