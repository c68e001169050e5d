import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { EmbeddedDisque, type EmbeddedOptions } from "../../src/index.js"
import { Connection } from "../../src/internal/host/connection.js"
import { dial, layer, say, text } from "../utils/ask.js"

/** Clients on sockets, by name; each takes what it is sent, unless it is slow. */
const clients = Effect.gen(function* () {
  const { nodes } = yield* EmbeddedDisque
  const cut: Array<string> = []
  let last = 0
  const open = Effect.fnUntraced(function* (name: string, millisPerWrite = 0) {
    const connection = new Connection(nodes[0], `127.0.0.1:${++last}`)
    const written = { bytes: 0 }
    yield* Effect.forkScoped(
      Effect.zipRight(
        connection.writeAll((bytes) =>
          Effect.zipRight(
            millisPerWrite === 0 ? Effect.void : Effect.sleep(millisPerWrite),
            Effect.sync(() => {
              written.bytes += bytes.length
            })
          )
        ),
        Effect.sync(() => cut.push(name))
      )
    )
    return { written, send: (command: string) => Effect.sync(() => connection.receive(Buffer.from(command))) }
  })
  return { cut, open }
})

const idle = (timeout: string, rest: EmbeddedOptions = {}) => layer({ ...rest, config: { timeout } })

describe("timeout", () => {
  it.scoped("closes a client that was silent for longer, and counts whole seconds", () =>
    Effect.gen(function* () {
      const { cut, open } = yield* clients
      yield* open("silent")
      const talking = yield* open("talking")
      yield* TestClock.adjust("2 seconds")
      yield* talking.send("PING\r\n")
      yield* TestClock.adjust(1999)
      assert.deepStrictEqual(cut, [])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(cut, ["silent"])
      yield* TestClock.adjust(1999)
      assert.deepStrictEqual(cut, ["silent"])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(cut, ["silent", "talking"])
    }).pipe(Effect.provide(idle("3")))
  )

  it.scoped("leaves a client alone that waits for a job or for copies, and counts anew after the wait", () =>
    Effect.gen(function* () {
      const { cut, open } = yield* clients
      const disque = yield* EmbeddedDisque
      const getting = yield* open("getting")
      const adding = yield* open("adding")
      yield* disque.freeze(disque.nodes[1] as (typeof disque.nodes)[0])
      yield* getting.send("GETJOB TIMEOUT 20000 FROM q\r\n")
      yield* adding.send("ADDJOB other body 20000 REPLICATE 2\r\n")
      yield* TestClock.adjust("22 seconds")
      assert.deepStrictEqual(cut, [])
      assert.isAbove(getting.written.bytes, 0)
      assert.isAbove(adding.written.bytes, 0)
      yield* TestClock.adjust("2 seconds")
      assert.sameMembers(cut, ["getting", "adding"])
    }).pipe(Effect.provide(idle("3", { nodes: 2, nodeTimeout: "1 hour" })))
  )

  it.scoped(
    "counts from the last bytes of a command that is not whole, and from the last of an answer that was taken",
    () =>
      Effect.gen(function* () {
        const { cut, open } = yield* clients
        const sending = yield* open("sending")
        const reading = yield* open("reading", 3500)
        yield* sending.send("*2\r\n$4\r\nPING\r\n$20\r\n")
        yield* reading.send("PING\r\n")
        for (let i = 0; i < 3; i++) {
          yield* TestClock.adjust("2 seconds")
          yield* sending.send("xx")
        }
        assert.deepStrictEqual(cut, [])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(cut, ["reading"])
        yield* TestClock.adjust("3 seconds")
        assert.deepStrictEqual(cut, ["reading", "sending"])
      }).pipe(Effect.provide(idle("3")))
  )

  it.scoped("can be set and taken back while clients are there, those in the process included", () =>
    Effect.gen(function* () {
      const { cut, open } = yield* clients
      const link = yield* dial(1)
      const other = yield* dial(1)
      yield* open("silent")
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(cut, [])
      assert.strictEqual(yield* say(link, "CONFIG", "SET", "timeout", "5"), "OK")
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(cut, ["silent"])
      assert.isFalse(other.isOpen())
      assert.isTrue(link.isOpen())
      assert.strictEqual(yield* say(link, "CONFIG", "SET", "timeout", "0"), "OK")
      yield* TestClock.adjust("1 hour")
      assert.include(yield* text(link, "CLIENT", "LIST"), "cmd=client")
    }).pipe(Effect.provide(layer()))
  )
})
