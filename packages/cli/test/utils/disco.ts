/** Runs commands of `disco` in this process: over a cluster of three embedded nodes, on a terminal that is none. */
import { DisqueDialer, DisquePool } from "@disco/core"
import { EmbeddedDisque, VirtualTime } from "@disco/embedded"
import { FileSystem, Error as PlatformError } from "@effect/platform"
import { NodeFileSystem, NodePath } from "@effect/platform-node"
import { ConfigProvider, Effect, identity, Layer, Option, Random, Schema, Stream } from "effect"
import { byName } from "../../src/commands.js"
import { Dialing } from "../../src/connection/Dialing.js"
import { main } from "../../src/main.js"
import { type Sink, Streams } from "../../src/Streams.js"

/** Chance that is the same in each test. */
export const chance = () => Random.make("three nodes")

/** Three nodes, 127.0.0.1:7711 to 7713, with the same ids each time, and a pool to prepare what a command is to find. */
export const cluster = Layer.suspend(() => {
  const nodes = Layer.provideMerge(EmbeddedDisque.layerDialer, EmbeddedDisque.layer({ nodes: 3 }))
  return Layer.provide(Layer.provideMerge(DisquePool.layer(), nodes), Layer.setRandom(chance()))
})

/** No files: a command that reads contexts finds none. */
const noFiles = FileSystem.layerNoop({
  readFileString: (path) =>
    Effect.fail(
      new PlatformError.SystemError({
        module: "FileSystem",
        method: "readFileString",
        reason: "NotFound",
        pathOrDescriptor: path
      })
    )
})

/** Virtual time passes while a command is loaded, as while it waits for anything else: so all are loaded before. */
const loaded = Effect.promise(() =>
  Promise.all([
    import("../../src/connection/connection.js"),
    import("@disco/funnel"),
    ...[...byName.values()].map((load) => load())
  ])
)

export interface Surroundings {
  /** The width of the terminal. Without it there is none, and output goes to a file. */
  readonly columns?: number
  readonly color?: boolean
  readonly env?: Readonly<Record<string, string>>
  /** Whether there are files. Virtual time jumps while they are read. Default: no. */
  readonly hasFiles?: boolean
  /** What is typed, or comes from a file: line by line. */
  readonly input?: ReadonlyArray<string>
  /** Whether somebody types it, at the terminal. Default: no. */
  readonly isTyped?: boolean
  /** Whether time passes by itself, as under `it.live`. Default: no, virtual time passes while the command waits. */
  readonly isLive?: boolean
}

export interface Result {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

const sink = (chunks: Array<Uint8Array>, { color = false, columns }: Surroundings): Sink => ({
  isTerminal: columns !== undefined,
  hasColor: color,
  columns: () => columns ?? Number.POSITIVE_INFINITY,
  write: (text) => Effect.sync(() => void chunks.push(Buffer.from(text)))
})

/** Runs one command line to its end. Virtual time passes meanwhile. */
export const disco = (
  words: ReadonlyArray<string>,
  surroundings: Surroundings = {}
): Effect.Effect<Result, never, DisqueDialer> =>
  Effect.gen(function* () {
    const dialer = yield* DisqueDialer
    const stdout: Array<Uint8Array> = []
    const stderr: Array<Uint8Array> = []
    const lines = [...(surroundings.input ?? [])]
    const streams = Layer.succeed(Streams, {
      stdin: {
        isTerminal: surroundings.isTyped ?? false,
        line: Effect.sync(() => Option.fromNullable(lines.shift())),
        bytes: Stream.fromIterable(lines.map((line) => new TextEncoder().encode(`${line}\n`)))
      },
      stdout: sink(stdout, surroundings),
      stderr: sink(stderr, surroundings)
    })
    // Nothing listens at other addresses than those of the embedded nodes.
    const dialing = Layer.succeed(Dialing, ({ names }) => Layer.succeed(DisqueDialer, { ...dialer, seeds: names }))
    yield* loaded
    const files = surroundings.hasFiles === true ? NodeFileSystem.layer : noFiles
    const env = new Map(Object.entries({ XDG_CONFIG_HOME: "/nowhere", ...surroundings.env }))
    const status = yield* main(words).pipe(
      Effect.provide(Layer.mergeAll(streams, dialing, files, NodePath.layer)),
      Effect.withConfigProvider(ConfigProvider.fromMap(env)),
      surroundings.isLive === true ? identity : VirtualTime.run
    )
    const text = (chunks: ReadonlyArray<Uint8Array>) => Buffer.concat(chunks).toString()
    return { status, stdout: text(stdout), stderr: text(stderr) }
  })

/** What a command line prints with `--json`, read by the schema that the command declares. It has to end with status 0. */
export const answer = <A, I>(schema: Schema.Schema<A, I>, words: ReadonlyArray<string>, surroundings?: Surroundings) =>
  Effect.flatMap(disco([...words, "--json"], surroundings), ({ status, stderr, stdout }) =>
    status === 0 ? Schema.decode(Schema.parseJson(schema))(stdout) : Effect.die(`status ${status}: ${stderr}`)
  )
