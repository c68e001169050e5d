/** The streams of this process. */
import { createInterface } from "node:readline"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { CliError } from "./CliError.js"
import type { Sink, Streams } from "./Streams.js"

const sink = (stream: NodeJS.WriteStream, isNeeded: boolean): Sink => {
  const isTerminal = stream.isTTY === true
  return {
    isTerminal,
    hasColor: isTerminal && !process.env.NO_COLOR && process.env.TERM !== "dumb",
    columns: () => (isTerminal && stream.columns > 0 ? stream.columns : Number.POSITIVE_INFINITY),
    // A write that fails ends the process: see ending.ts. Until then it waits, or a job would count as shown that nobody has seen.
    write: (text) =>
      Effect.async((resume) => {
        stream.write(text, (error) => {
          if (!isNeeded || error === undefined || error === null) resume(Effect.void)
        })
      })
  }
}

const failed = (cause: unknown): CliError =>
  new CliError({ message: `standard input cannot be read: ${cause instanceof Error ? cause.message : String(cause)}` })

const line = Effect.async<Option.Option<string>, CliError>((resume) => {
  const reader = createInterface({ input: process.stdin, terminal: false })
  reader.once("line", (text) => {
    resume(Effect.succeedSome(text))
    reader.close()
  })
  reader.once("close", () => resume(Effect.succeedNone))
  process.stdin.once("error", (cause) => resume(failed(cause)))
  return Effect.sync(() => reader.close())
})

export const processStreams: Streams.Service = {
  stdin: {
    isTerminal: process.stdin.isTTY === true,
    line,
    // Not the iterator of the stream, which ends only once more has come.
    bytes: Stream.unwrap(
      Effect.map(
        Effect.promise(() => import("@effect/platform-node/NodeStream")),
        ({ fromReadable }) => fromReadable<CliError, Uint8Array>(() => process.stdin, failed)
      )
    )
  },
  stdout: sink(process.stdout, true),
  stderr: sink(process.stderr, false)
}
