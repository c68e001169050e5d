import { createServer } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { failure } from "./utils/serve.js"

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

const expected = "expected a port from 1 to 65535, or 0 for any free one"

describe("the options of disco", () => {
  it.effect("are refused in one sentence if they are not valid", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* failure(["demo", "--port", "99999"]), `demo: --port is "99999", ${expected}`)
      assert.strictEqual(yield* failure(["demo", "--port", "7711.5"]), `demo: --port is "7711.5", ${expected}`)
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
