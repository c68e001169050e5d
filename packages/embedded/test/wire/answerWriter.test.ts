import { assert, describe, it } from "@effect/vitest"
import { Failure, nullArray, nullBulk, Status } from "../../src/internal/wire/answers.js"
import { AnswerWriter } from "../../src/internal/wire/answerWriter.js"

describe("writing answers", () => {
  it("writes every type as RESP2, with both kinds of null", () => {
    const writer = new AnswerWriter()
    writer.write([
      new Status("OK"),
      new Failure("ERR no"),
      "b\xfflk",
      Uint8Array.of(0, 255),
      -5,
      2n ** 63n - 1n,
      nullBulk,
      nullArray,
      [],
      ""
    ])
    assert.strictEqual(
      Buffer.from(writer.take()).toString("latin1"),
      "*10\r\n+OK\r\n-ERR no\r\n$4\r\nb\xfflk\r\n$2\r\n\0\xff\r\n:-5\r\n:9223372036854775807\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n"
    )
    assert.strictEqual(writer.length, 0)
  })

  it("grows with what is written", () => {
    const writer = new AnswerWriter()
    for (let i = 0; i < 10_000; i++) writer.write("0123456789")
    assert.strictEqual(writer.length, 10_000 * 17)
    let taken = 0
    while (writer.length > 0) taken += writer.take().length
    assert.strictEqual(taken, 10_000 * 17)
  })
})
