import { assert, describe, it } from "@effect/vitest"
import { Either, Exit, FastCheck, Redacted } from "effect"
import { Commands, Reply } from "../src/index.js"
import { definitions } from "./utils/definitions.js"
import { exchanges as recorded, toReply } from "./utils/recorded.js"

// SHUTDOWN has no reply.
const exchanges = recorded.filter(({ reply }) => !("closed" in reply))

const encoder = new TextEncoder()
const node = "127.0.0.1:7711"
const digits = (count: number) => encoder.encode("9".repeat(count))

/** An array in an array in an array, and so on. */
const nested = (depth: number): Reply.Reply => {
  let reply: Reply.Reply = 1
  for (let i = 0; i < depth; i++) reply = [reply]
  return reply
}

/** What no node of good will replies. */
const odd: FastCheck.Arbitrary<Reply.Reply> = FastCheck.oneof(
  FastCheck.constantFrom<Reply.Reply>(null, [], "", 0, -1, 2 ** 53 - 1, 1 - 2 ** 53, 2n ** 63n - 1n, -(2n ** 63n)),
  FastCheck.constantFrom<Reply.Reply>(Number.NaN, 0.5, Number.POSITIVE_INFINITY, 1e300),
  FastCheck.constantFrom(10, 21, 400, 100_000).map(digits),
  FastCheck.constantFrom(2, 33, 200).map(nested),
  FastCheck.string({ unit: "binary" }),
  FastCheck.uint8Array({ maxLength: 40 }),
  FastCheck.string().map((text) => new Reply.ErrorReply({ text }))
)

interface Change {
  readonly kind: "replace" | "drop" | "double" | "swap" | "flip"
  readonly at: number
  readonly value: Reply.Reply
}

const changes: FastCheck.Arbitrary<Change> = FastCheck.record({
  kind: FastCheck.constantFrom("replace", "drop", "double", "swap", "flip"),
  at: FastCheck.nat(1000),
  value: odd
})

/** A reply with something changed in it, at a place that `at` leads to. */
const changed = (reply: Reply.Reply, { kind, at, value }: Change): Reply.Reply => {
  if (reply instanceof Uint8Array && kind === "flip" && reply.length > 0) {
    const bytes = reply.slice()
    bytes[at % bytes.length] = at % 256
    return bytes
  }
  if (!Array.isArray(reply) || reply.length === 0) return value
  const items: Array<Reply.Reply> = [...reply]
  const index = at % items.length
  const item = items[index] as Reply.Reply
  if (kind === "drop") items.splice(index, 1)
  else if (kind === "double") items.splice(index, 0, item)
  else if (kind === "swap") items.push(items.shift() as Reply.Reply)
  else items[index] = changed(item, { kind, at: Math.floor(at / items.length), value })
  return items
}

/** Reads a reply as the command does: what it throws is a mismatch, or a fault of ours. */
const reads = (path: string, reply: Reply.Reply): Either.Either<unknown, Reply.Mismatch> => {
  const definition = definitions.get(path)
  assert.isDefined(definition)
  return Reply.read((reply) => definition?.decode(reply, node), reply)
}

const within = <A>(millis: number, run: () => A): A => {
  const start = performance.now()
  const result = run()
  assert.isBelow(performance.now() - start, millis)
  return result
}

describe.concurrent("whatever a node replies", () => {
  it("is read, or said not to fit, by every command", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.constantFrom(...exchanges),
        FastCheck.boolean(),
        FastCheck.array(changes, { minLength: 1, maxLength: 4 }),
        ({ command, reply }, isOverSocket, all) => {
          const result = reads(command, all.reduce(changed, toReply(reply, isOverSocket)))
          if (Either.isLeft(result)) assert.isAtMost(result.left.actual.length + result.left.expected.length, 1200)
        }
      ),
      { numRuns: 1500 }
    )
  })

  it("is read, or said not to fit, even if it has nothing to do with the command", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.constantFrom(...definitions.keys()), odd, (path, reply) => {
        reads(path, reply)
        reads(path, [reply, [reply, reply]])
      }),
      { numRuns: 1000 }
    )
  })

  it("costs no stack, however deep it is, in a field that nobody reads", () => {
    const job = [
      encoder.encode("q"),
      encoder.encode("D-"),
      encoder.encode("body"),
      "nacks",
      0,
      "additional-deliveries",
      0
    ]
    assert.isTrue(Either.isLeft(reads("getJobs", [[...job, "news", nested(100_000)]])))
    assert.isTrue(Either.isRight(reads("getJobs", [[...job, "news", nested(5)]])))
    assert.isTrue(Either.isLeft(reads("raw", nested(100_000))))
    assert.isTrue(Either.isLeft(reads("queueStats", ["name", nested(100_000)])))
  })

  it("costs time that grows with its length alone", () => {
    const many = Array.from({ length: 100_000 }, (_, i) => [`field${i}`, i] as const).flat()
    within(4000, () => assert.isTrue(Either.isLeft(reads("show", many))))
    const info = encoder.encode(`# Server\r\nmany:${"9".repeat(1_000_000)}\r\n${"# ".repeat(100_000)}`)
    within(2000, () => assert.isTrue(Either.isRight(reads("info", info))))
    within(2000, () =>
      assert.isTrue(Either.isLeft(reads("client.list", encoder.encode(`id=${"9".repeat(1_000_000)}`))))
    )
    within(2000, () => assert.isTrue(Either.isLeft(reads("queueLength", digits(1_000_000)))))
  })

  it("is not a time if no calendar has such a time", () => {
    assert.isTrue(Either.isLeft(reads("time", [2 ** 52, 0])))
    assert.isTrue(Either.isLeft(reads("slowlog.get", [[1, 2 ** 52, 5, []]])))
    assert.isTrue(Either.isLeft(reads("latency.history", [[2 ** 52, 5]])))
  })

  it("is shown by an error in few words, and without the secret", () => {
    const password = "hunter2"
    const command = Either.getOrThrow(Commands.auth.make(Redacted.make(password)))
    const told = (text: string): string => {
      const exit = command.decode(new Reply.ErrorReply({ text }), node)
      assert.isTrue(Exit.isFailure(exit))
      const error = Exit.isFailure(exit) && exit.cause._tag === "Fail" ? exit.cause.error : undefined
      return (error as { readonly reply: string }).reply
    }
    assert.strictEqual(told(`ERR what is ${password}?`), "ERR what is <redacted>?")
    // Wherever the text is cut.
    for (let at = 4080; at < 4110; at++) {
      const text = told(`ERR ${"x".repeat(at)}${password.repeat(3)}${"y".repeat(10_000)}`)
      assert.isAtMost(text.length, 4200)
      assert.notMatch(text, /hu|hun|hunt/)
    }
    assert.isAtMost(told(`ERR ${password.repeat(100_000)}`).length, 8000)
  })
})
