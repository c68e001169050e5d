import { readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { NodeFileSystem, NodePath } from "@effect/platform-node"
import { ConfigProvider, Effect, Fiber, Layer, Option, Stream } from "effect"
import { Dialing } from "../../src/connection/Dialing.js"
import { dialer } from "../../src/connection/sockets.js"
import { main } from "../../src/main.js"
import { type Sink, Streams } from "../../src/Streams.js"

type Environment = ReadonlyArray<readonly [string, string]>

/** Runs a command in this process; `say` is given each line of the log. Gives what was said of a failure. */
const run = (args: ReadonlyArray<string>, env: Environment, say: (line: string) => void = () => {}) =>
  Effect.gen(function* () {
    let failure = ""
    const sink = (write: (text: string) => void): Sink => ({
      isTerminal: false,
      hasColor: false,
      columns: () => Number.POSITIVE_INFINITY,
      write: (text) => Effect.sync(() => write(String(text)))
    })
    const streams = Layer.succeed(Streams, {
      stdin: { isTerminal: false, line: Effect.succeed(Option.none()), bytes: Stream.empty },
      stdout: sink(() => {}),
      stderr: sink((text) => (failure += text))
    })
    yield* main(args).pipe(
      (effect) =>
        Effect.consoleWith((console) =>
          Effect.withConsole(effect, {
            ...console,
            log: (text) => Effect.sync(() => say(String(text))),
            unsafe: { ...console.unsafe, log: (text) => say(String(text)) }
          })
        ),
      Effect.withConfigProvider(ConfigProvider.fromMap(new Map(env))),
      Effect.provide(Layer.mergeAll(streams, Layer.succeed(Dialing, dialer), NodeFileSystem.layer, NodePath.layer))
    )
    return failure
  })

/** What a command fails with, in words. */
export const failure = (args: ReadonlyArray<string>, env: Environment = []) =>
  Effect.map(run(args, env), (said) => said.replace(/^disco: /, "").trim())

/** Starts `disco serve`, which ends with the scope, and waits until it is ready. */
export const start = (args: ReadonlyArray<string>, env: Environment = []) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const isReady = yield* Effect.makeLatch()
    const fiber = yield* Effect.forkScoped(
      run(["serve", ...args], env, (line) => {
        lines.push(line)
        if (/ready: |"event":"ready"/.test(line)) isReady.unsafeOpen()
      })
    )
    yield* Effect.raceFirst(
      isReady.await,
      Effect.zipRight(Fiber.join(fiber), Effect.die("it ended before it was ready"))
    )
    const places = /listens? on (.*) \(Ctrl-C/.exec(lines.find((line) => line.includes("ready: ")) ?? "")?.[1] ?? ""
    return { lines, fiber, places: places.replaceAll(" (TLS)", "").split(", ") }
  })

/** A folder that is removed with the scope. */
export const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "disco-serve-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

/** A certificate or a key of the tests of `@disco/node`. */
export const pem = (name: string): string => fileURLToPath(new URL(`../../../node/test/data/${name}`, import.meta.url))

export const pemText = (name: string): string => readFileSync(pem(name), "utf8")
