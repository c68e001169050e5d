import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { EmbeddedDisque } from "../../src/index.js"
import { Connection } from "../../src/internal/host/connection.js"

const latin1 = (text: string): Uint8Array => Buffer.from(text, "latin1")

/** What a server said to raw bytes, and whether it closed; recorded from Disque 1.0-rc1. */
const exchanges: ReadonlyArray<{
  readonly sent: string
  readonly then?: string
  readonly times?: number
  readonly received: string
  readonly closed: boolean
}> = JSON.parse(readFileSync(new URL("../data/protocol.json", import.meta.url), "utf8"))

describe("what a server says to raw bytes", () => {
  for (const { sent, then = "", times = 0, received, closed } of exchanges) {
    it.scoped(JSON.stringify(sent + then), () =>
      Effect.gen(function* () {
        const { nodes } = yield* EmbeddedDisque.make()
        const connection = new Connection(nodes[0], "127.0.0.1:1")
        let output = ""
        const writing = yield* Effect.fork(
          connection.writeAll((bytes) =>
            Effect.sync(() => {
              output += Buffer.from(bytes).toString("latin1")
            })
          )
        )
        connection.receive(latin1(sent + then.repeat(times)))
        for (let i = 0; i < 20; i++) yield* Effect.yieldNow()
        assert.strictEqual(output, received)
        assert.strictEqual((yield* Fiber.poll(writing))._tag, closed ? "Some" : "None")
        connection.close()
      })
    )
  }
})
