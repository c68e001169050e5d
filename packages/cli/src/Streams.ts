/** What the process reads and writes. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type { CliError } from "./CliError.js"

/** A stream to write to. */
export interface Sink {
  readonly isTerminal: boolean
  readonly hasColor: boolean
  /** How many columns the terminal has now: infinitely many where no terminal is. */
  readonly columns: () => number
  /** Ends when the text has been taken: a slow reader slows the writer down. */
  readonly write: (text: string | Uint8Array) => Effect.Effect<void>
}

/** The stream to read from. */
export interface Source {
  readonly isTerminal: boolean
  /** The next line that is typed, without its end; none at the end of the stream. */
  readonly line: Effect.Effect<Option.Option<string>, CliError>
  /** All that comes, as it comes. */
  readonly bytes: Stream.Stream<Uint8Array, CliError>
}

export class Streams extends Context.Tag("@disco/cli/Streams")<Streams, Streams.Service>() {}

export declare namespace Streams {
  interface Service {
    readonly stdin: Source
    readonly stdout: Sink
    readonly stderr: Sink
  }
}
