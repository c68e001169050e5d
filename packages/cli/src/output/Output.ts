/** What a command says: answers on standard output, for people or as JSON, and notes about its work on standard error. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Streams } from "../Streams.js"
import type { Style } from "./style.js"
import { cut } from "./text.js"

export class Output extends Context.Tag("@disco/cli/Output")<Output, Output.Service>() {}

export declare namespace Output {
  interface Service {
    /** Whether the answer is JSON (`--json`). */
    readonly isJson: boolean
    /** How text looks on standard output. */
    readonly style: Style
    /** Prints the whole answer: one document of JSON, or the text. */
    readonly answer: <A, I>(
      schema: Schema.Schema<A, I>,
      value: A,
      text: (style: Style) => string
    ) => Effect.Effect<void>
    /** Prints one of many items as it comes: one line of JSON, or the text. */
    readonly item: <A, I>(schema: Schema.Schema<A, I>, value: A, text: (style: Style) => string) => Effect.Effect<void>
    /** Prints text for people: nothing with `--json`. */
    readonly text: (text: (style: Style) => string) => Effect.Effect<void>
    /** Prints text for people that takes the place of what `live` printed last. Without a terminal it follows. */
    readonly live: (text: (style: Style) => string) => Effect.Effect<void>
    /** Prints bytes as they are. */
    readonly bytes: (bytes: Uint8Array) => Effect.Effect<void>
    /** Says something about the work, on standard error. */
    readonly note: (text: string) => Effect.Effect<void>
    /** Shows how far the work is, in a line on a terminal that the next one replaces. An empty text removes the line. */
    readonly progress: (text: string) => Effect.Effect<void>
  }
}

const esc = String.fromCharCode(0x1b)

/** Goes to the beginning of the line, and clears it. */
const clear = `\r${esc}[K`

/** A text that ends its line. Nothing becomes no line. */
const ended = (text: string): string => (text === "" || text.endsWith("\n") ? text : `${text}\n`)

export const make = ({ stderr, stdout }: Streams.Service, isJson: boolean): Output.Service => {
  let shown = ""
  // How many lines `live` printed last.
  let lines = 0
  const style = (): Style => ({ columns: stdout.columns(), hasColor: stdout.hasColor })
  // A line of progress is out of the way while something else is written.
  const around = (write: Effect.Effect<void>) =>
    Effect.suspend(() =>
      shown === "" ? write : stderr.write(clear).pipe(Effect.zipRight(write), Effect.zipRight(stderr.write(shown)))
    )
  const print = (text: string) => (text === "" ? Effect.void : around(stdout.write(ended(text))))
  const json = <A, I>(schema: Schema.Schema<A, I>, value: A, indent?: number) =>
    Effect.flatMap(Effect.orDie(Schema.encode(schema)(value)), (encoded) =>
      print(JSON.stringify(encoded, undefined, indent))
    )
  return {
    isJson,
    get style() {
      return style()
    },
    answer: (schema, value, text) => (isJson ? json(schema, value, 2) : Effect.suspend(() => print(text(style())))),
    item: (schema, value, text) => (isJson ? json(schema, value) : Effect.suspend(() => print(text(style())))),
    text: (text) => (isJson ? Effect.void : Effect.suspend(() => print(text(style())))),
    live: (text) =>
      Effect.suspend(() => {
        if (isJson) return Effect.void
        const next = ended(text(style()))
        const before = stdout.isTerminal && lines > 0 ? `${esc}[${lines}A${esc}[J` : ""
        lines = next.split("\n").length - 1
        return around(stdout.write(before + next))
      }),
    bytes: (bytes) => around(stdout.write(bytes)),
    note: (text) => around(stderr.write(ended(text))),
    progress: (text) =>
      Effect.suspend(() => {
        if (!stderr.isTerminal) return Effect.void
        shown = cut(text, stderr.columns() - 1)
        return stderr.write(`${clear}${shown}`)
      })
  }
}
