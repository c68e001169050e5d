import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Runtime from "effect/Runtime"
import { EmbeddedDisque } from "../../src/index.js"
import { Connection } from "../../src/internal/host/connection.js"
import { ask, command, host, latin1 } from "../utils/inProcess.js"
import { scenarios } from "../utils/wire.js"

/** What clients say that mean well: all that was recorded of a server. */
const valid: ReadonlyArray<Buffer> = scenarios.flatMap(({ steps }) =>
  steps.flatMap(({ raw, send }) => {
    if (raw !== undefined) return [latin1(raw)]
    if (send === undefined || JSON.stringify(send).includes("SHUTDOWN")) return []
    return [
      latin1(command(...send.map((word) => (typeof word === "string" ? word : latin1(word.hex).toString("latin1")))))
    ]
  })
)

const pieces = FastCheck.oneof(
  { weight: 6, arbitrary: FastCheck.constantFrom(...valid) },
  { weight: 2, arbitrary: FastCheck.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 2,
    arbitrary: FastCheck.constantFrom(
      ...[
        "*5000000000\r\n",
        "*1048577\r\n",
        "*1048576\r\n$1\r\nx\r\n",
        "$-1\r\n",
        "*-5\r\n",
        "*1\r\n$536870912\r\nx",
        "*1\r\n$536870913\r\n"
      ],
      ...[
        "\0\r\n",
        "'",
        '"\\x',
        "\r",
        "\n",
        "MONITOR\r\n",
        "CLIENT REPLY OFF\r\n",
        "CLIENT PAUSE 1\r\n",
        "GETJOB FROM q\r\n",
        "QUIT\r\n"
      ],
      ...[
        "QPEEK q -9223372036854775808\r\n",
        "JSCAN 18446744073709551615 BUSYLOOP REPLY all\r\n",
        "CONFIG SET maxclients 1\r\n"
      ]
    ).map(latin1)
  }
)

type Damage = readonly [kind: "flip" | "insert" | "remove" | "cut" | "double", at: number, byte: number]

const damages: FastCheck.Arbitrary<Damage> = FastCheck.tuple(
  FastCheck.constantFrom<Damage[0]>("flip", "insert", "remove", "cut", "double"),
  FastCheck.nat(5000),
  FastCheck.oneof(FastCheck.constantFrom(...latin1("*$\r\n0129-")), FastCheck.nat(255))
)

const damage = (bytes: Buffer, [kind, position, byte]: Damage): Buffer => {
  const at = bytes.length === 0 ? 0 : position % bytes.length
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)]
  if (kind === "insert") return Buffer.concat([head, Buffer.of(byte), tail])
  if (kind === "remove") return Buffer.concat([head, tail.subarray(1)])
  if (kind === "cut") return Buffer.from(head)
  if (kind === "double") return Buffer.concat([head, tail.subarray(0, byte), tail])
  return Buffer.concat([head, Buffer.of(byte), tail.subarray(1)])
}

const cutInto = (bytes: Buffer, sizes: ReadonlyArray<number>): ReadonlyArray<Buffer> => {
  const chunks: Array<Buffer> = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const end = at + (sizes[i % sizes.length] ?? 1)
    chunks.push(Buffer.from(bytes.subarray(at, end)))
    at = end
  }
  return chunks
}

describe("whatever a client sends", () => {
  it.scopedLive("is answered or ends the client, and others are served", () =>
    Effect.gen(function* () {
      const run = Runtime.runPromise(yield* Effect.runtime<never>())
      yield* Effect.promise(() =>
        FastCheck.assert(
          FastCheck.asyncProperty(
            FastCheck.array(pieces, { minLength: 1, maxLength: 12 }),
            FastCheck.array(damages, { maxLength: 6 }),
            FastCheck.array(FastCheck.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 8 }),
            (parts, all, sizes) =>
              run(
                Effect.scoped(
                  Effect.gen(function* () {
                    const [node] = (yield* EmbeddedDisque.make()).nodes
                    ask(node, "ADDJOB", "q", "body", "0")
                    const connection = new Connection(node, "127.0.0.1:1", host())
                    let taken = 0
                    const writing = yield* Effect.fork(
                      connection.writeAll((bytes) =>
                        Effect.sync(() => {
                          taken += bytes.length
                        })
                      )
                    )
                    const bytes = all.reduce(damage, Buffer.concat(parts))
                    for (const chunk of cutInto(bytes, sizes)) connection.receive(chunk)
                    yield* Effect.yieldNow()
                    // A defect of the connection would be in the end of the fiber.
                    const end = writing.unsafePoll()
                    if (end !== null) assert.strictEqual(end._tag, "Success")
                    assert.isBelow(taken, 10_000_000)
                    connection.close()
                    ask(node, "PING")
                  })
                )
              )
          ),
          { numRuns: 400 }
        )
      )
    })
  )
})
