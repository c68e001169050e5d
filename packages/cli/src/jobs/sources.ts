/** Where the bodies of jobs come from: the command line, standard input, or a file. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { CliError, UsageError } from "../CliError.js"
import { reasonOf } from "../files.js"
import { size } from "../output/format.js"
import { Streams } from "../Streams.js"
import { type Line, lines } from "./lines.js"

export interface Source {
  readonly lines: Stream.Stream<Line, CliError>
  /** The most bytes of a body. */
  readonly mostBytes: number
  /** Whether there may be many bodies. */
  readonly isMany: boolean
  /** Whether the bodies are lines. */
  readonly hasLines: boolean
  /** Where a body stands, for a sentence about it. */
  readonly place: (number: number) => string
}

/** The most bytes of a line. */
const mostOfLine = 16 * 1024 * 1024

/** The most bytes that a job can have. */
const mostOfJob = 512 * 1024 * 1024

const encoder = new TextEncoder()

const pieceBytes = 64 * 1024

/** The whole of a stream, as one body. */
const whole = <R>(bytes: Stream.Stream<Uint8Array, CliError, R>): Stream.Stream<Line, CliError, R> =>
  Stream.fromEffect(
    Effect.gen(function* () {
      const pieces: Array<Uint8Array> = []
      let length = 0
      yield* Stream.runForEach(bytes, (piece) => {
        length += piece.length
        pieces.push(piece)
        return length > mostOfJob
          ? new CliError({ message: `the body is longer than ${size(mostOfJob)}, the most that a job can have` })
          : Effect.void
      })
      return { number: 1, body: Buffer.concat(pieces) }
    })
  )

interface Given {
  readonly bodies: ReadonlyArray<string>
  readonly file: string | undefined
  /** Whether each line is a body. */
  readonly lines: boolean
}

const wrong = (message: string) => new UsageError({ message })

/** Reads the command line: where the bodies come from, or what is wrong. */
export const sourceOf = (given: Given): Effect.Effect<Source, UsageError, Streams | FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const { bodies, file } = given
    const { stdin } = yield* Streams
    const files = yield* FileSystem.FileSystem
    const isDash = bodies.length === 1 && bodies[0] === "-"
    if (bodies.length > 1 && bodies.includes("-")) {
      return yield* wrong("- is the whole of standard input, and stands without another BODY")
    }
    if (file !== undefined && bodies.length > 0)
      return yield* wrong("--file and BODY both say what to add: give one of them")
    if (given.lines && bodies.length > 0 && !isDash) {
      return yield* wrong("--lines reads standard input or a --file, and there is a BODY too")
    }
    if (bodies.length > 0 && !isDash) {
      return {
        lines: Stream.fromIterable(bodies.map((body, i) => ({ number: i + 1, body: encoder.encode(body) }))),
        mostBytes: mostOfJob,
        isMany: false,
        hasLines: false,
        place: (number) => (bodies.length === 1 ? "" : `BODY ${number}: `)
      }
    }
    if (file === undefined && !isDash && !given.lines) {
      return yield* wrong("add needs a BODY, - for standard input, --lines, or --file FILE")
    }
    const bytes =
      file === undefined
        ? stdin.bytes
        : Stream.mapError(
            files.stream(file, { chunkSize: pieceBytes }),
            (error) => new CliError({ message: `--file: ${JSON.stringify(file)} cannot be read: ${reasonOf(error)}` })
          )
    return {
      lines: given.lines ? lines(bytes, mostOfLine) : whole(bytes),
      mostBytes: given.lines ? mostOfLine : mostOfJob,
      isMany: given.lines,
      hasLines: given.lines,
      place: (number) => (given.lines ? `line ${number}: ` : "")
    }
  })
