import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck } from "effect"
import { Reply } from "../src/index.js"
import { isText } from "../src/internal/text.js"

const encoder = new TextEncoder()

/** Any reply, of any depth. */
const replies: FastCheck.Arbitrary<Reply.Reply> = FastCheck.letrec<{ readonly reply: Reply.Reply }>((tie) => ({
  reply: FastCheck.oneof(
    { maxDepth: 3 },
    FastCheck.string(),
    FastCheck.uint8Array(),
    FastCheck.integer(),
    FastCheck.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    FastCheck.constant(null),
    FastCheck.string().map((text) => new Reply.ErrorReply({ text })),
    FastCheck.array(tie("reply"), { maxLength: 4 })
  )
})).reply

const readers: Record<string, Reply.Reader<unknown>> = {
  text: Reply.text,
  ok: Reply.ok,
  bytes: Reply.bytes,
  integer: Reply.integer,
  int64: Reply.int64,
  nullable: Reply.nullable(Reply.bytes),
  array: Reply.array(Reply.integer),
  tuple: Reply.tuple(2),
  record: Reply.record
}

describe.concurrent("the readers of replies", () => {
  it.prop(
    "give a value or say what was expected, whatever a node replies, and never quote it in full",
    [replies],
    ([reply]) => {
      for (const [name, reader] of Object.entries(readers)) {
        const read = Reply.read(reader, reply)
        if (Either.isRight(read)) continue
        assert.instanceOf(read.left, Reply.Mismatch, name)
        assert.isNotEmpty(read.left.expected)
      }
      assert.isAtMost(Reply.describe(reply).length, 800)
    }
  )

  it.prop("read integers of 64 bits exactly", [FastCheck.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })], ([n]) => {
    const sent = n >= BigInt(Number.MIN_SAFE_INTEGER) && n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : n
    assert.strictEqual(Reply.int64(sent), n)
  })

  it.prop(
    "read fields by name, wherever they are, and keep those they do not know",
    [FastCheck.uniqueArray(FastCheck.tuple(FastCheck.string(), FastCheck.integer()), { selector: ([name]) => name })],
    ([fields]) => {
      const record = Reply.record(fields.flatMap(([name, value]) => [encoder.encode(name), value]))
      for (const [name, value] of fields) assert.strictEqual(Reply.field(record, name, Reply.integer), value)
      assert.strictEqual(record.size, fields.length)
    }
  )

  it("read text that came as a status line or as bytes", () => {
    assert.isTrue(isText("OK", "OK"))
    assert.isTrue(isText(encoder.encode("OK"), "OK"))
    assert.isFalse(isText(encoder.encode("OK!"), "OK"))
    assert.isFalse(isText(encoder.encode("KO"), "OK"))
    assert.isFalse(isText(undefined, "OK"))
    assert.strictEqual(Reply.text(encoder.encode("\ufeffmarked")), "\ufeffmarked")
  })

  it("refuse a double if an integer of 64 bits is expected", () => {
    assert.isTrue(Either.isLeft(Reply.read(Reply.int64, 1.5)))
    assert.isTrue(Either.isLeft(Reply.read(Reply.record, [encoder.encode("name")])))
  })
})
