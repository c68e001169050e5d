/** Readers of values that are written as text: on the command line, in the environment, or in a configuration file. */
import { type InvalidArgument, JobId } from "@disco/core"
import { OptionReader } from "@disco/core/internal"
import * as Duration from "effect/Duration"
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

/** A number, with a fraction or without. */
export const number = (least: number): Reader<number> =>
  refusing(`a number, ${least} or more`, (text) =>
    /^\d{1,15}(\.\d+)?$/.test(text) && Number(text) >= least ? Number(text) : undefined
  )

/** A number of bytes, perhaps with a unit; `least` or more. */
export const size = (least: number): Reader<number> =>
  refusing(`a number of bytes, ${least} or more, or one with a unit (100mb)`, (text) => {
    const [, digits = "", unit = ""] = /^(\d+)([a-z]*)$/i.exec(text) ?? []
    const bytes = Number(digits) * (units[unit.toLowerCase()] ?? Number.NaN)
    return digits !== "" && bytes >= least && Number.isSafeInteger(bytes) ? bytes : undefined
  })

/** How long each unit of time is, in milliseconds. */
const times: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A length of time, such as 500ms, 5s, 2m or 1h30m; `least` milliseconds or more. */
export const duration = (least = 0): Reader<Duration.Duration> =>
  refusing(
    `a time with its unit (ms, s, m, h, d), such as 500ms or 1h30m${least > 0 ? `, ${least} ms or more` : ""}`,
    (text) => {
      if (!/^(\d+(\.\d+)?(ms|s|m|h|d) ?)+$|^0$/.test(text)) return undefined
      let millis = 0
      for (const [, digits, unit = ""] of text.matchAll(/(\d+(?:\.\d+)?)([a-z]+)/g)) {
        millis += Number(digits) * (times[unit] ?? Number.NaN)
      }
      return millis >= least && Number.isSafeInteger(Math.round(millis))
        ? Duration.millis(Math.round(millis))
        : undefined
    }
  )

/** For how long something is measured: 0 for not at all, or 100 ms or more. */
export const sample: Reader<Duration.Duration> = (subject, name, text) =>
  text === "0" ? Either.right(Duration.zero) : duration(100)(subject, name, text)

/** Text of a form. */
export const matching = (form: RegExp, expected: string): Reader<string> =>
  refusing(expected, (text) => (form.test(text) ? text : undefined))

/** The name of a queue. */
export const queue: Reader<string> = (subject, name, text) =>
  OptionReader.text(subject, name, text, "the name of a queue, at least one character")

/** The id of a job. */
export const jobId = refusing("the id of a job, 40 characters that begin with D-", (text) =>
  JobId.isJobId(text) ? text : undefined
)

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
