import { createServer } from "node:net"
import { Command, HelpDoc, ValidationError } from "@effect/cli"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { demo } from "../src/demo.js"
import { serve } from "../src/serve.js"

const disco = Command.run(Command.withSubcommands(Command.make("disco"), [serve, demo]), {
  name: "disco",
  version: "0"
})

const quiet = Effect.map(Effect.console, (console) => ({ ...console, error: () => Effect.void }))

/** What a command fails with, in words. */
const failure = (args: ReadonlyArray<string>, env: ReadonlyArray<readonly [string, string]> = []) =>
  disco(["node", "disco", ...args]).pipe(
    Effect.flip,
    Effect.map((error) =>
      ValidationError.isValidationError(error) ? HelpDoc.toAnsiText(error.error).trim() : error.message
    ),
    (effect) => Effect.flatMap(quiet, (console) => Effect.withConsole(effect, console)),
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(env))),
    Effect.provide(NodeContext.layer)
  )

const takenPort = Effect.acquireRelease(
  Effect.async<{ readonly port: number; readonly close: () => void }>((resume) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      resume(Effect.succeed({ port, close: () => server.close() }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

const port = "--port takes a number from 0 (any free port) to 65535"

describe("the options of disco", () => {
  it.effect("are refused in one sentence if they are not valid", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* failure(["demo", "--port", "99999"]), port)
      assert.strictEqual(yield* failure(["demo", "--port", "7711.5"]), port)
      assert.strictEqual(yield* failure(["serve", "--port", "0", "--port", "abc"]), port)
      assert.strictEqual(
        yield* failure(["serve", "--maxmemory", "much"]),
        "--maxmemory takes a number of bytes, or one with a unit: 100mb"
      )
    })
  )

  it.scoped("cannot name a port that is in use", () =>
    Effect.gen(function* () {
      const { port } = yield* takenPort
      const sentence = `port ${port} is in use: choose another one with --port`
      assert.strictEqual(yield* failure(["serve", "--port", "0", "--port", String(port)]), sentence)
      assert.strictEqual(yield* failure(["demo", "--port", String(port)]), sentence)
    })
  )

  it.live("are refused if DISQUE_NODES names no node, or only nodes that are not there, and no password is shown", () =>
    Effect.gen(function* () {
      const { close, port } = yield* Effect.scoped(takenPort)
      close()
      assert.strictEqual(
        yield* failure(["demo"], [["DISQUE_NODES", `127.0.0.1:${port}`]]),
        `127.0.0.1:${port} refused the connection: nothing listens there`
      )
      assert.match(
        yield* failure(["demo"], [["DISQUE_NODES", "disque://:50%@localhost"]]),
        /^DISQUE_NODES: address is one of 23 characters, expected /
      )
    })
  )
})
