import { assert, describe, it } from "@effect/vitest"
import { Failure } from "../../src/internal/wire/answers.js"
import { asText } from "../../src/internal/wire/bytes.js"
import { CommandParser } from "../../src/internal/wire/commandParser.js"

const latin1 = (text: string): Uint8Array => Buffer.from(text, "latin1")

const commands = (chunks: ReadonlyArray<Uint8Array>): ReadonlyArray<ReadonlyArray<string>> => {
  const parser = new CommandParser()
  const all: Array<ReadonlyArray<string>> = []
  for (const chunk of chunks) {
    parser.feed(chunk)
    for (let command = parser.next(); command !== undefined; command = parser.next()) {
      if (command instanceof Failure) return [...all, [command.text]]
      all.push(command.map(asText))
    }
  }
  return all
}

describe("reading commands", () => {
  const stream = latin1(
    '*1\r\n$4\r\nPING\r\n*0\r\nPING "a b"\r\n\r\n*2\r\n$4\r\nQLEN\r\n$6\r\na\r\n\0\xffb\r\n*-1\r\n*1\r\n$0\r\n\r\nPING x\r\nPING y\r\n'
  )
  const expected = [["PING"], ["PING", "a b"], ["QLEN", "a\r\n\0\xffb"], [""], ["PING", "x"], ["PING", "y"]]

  it("reads the same wherever the stream is cut", () => {
    for (let at = 0; at <= stream.length; at++) {
      assert.deepStrictEqual(commands([stream.subarray(0, at), stream.subarray(at)]), expected, `cut at ${at}`)
    }
    for (let size = 1; size < 8; size++) {
      const chunks: Array<Uint8Array> = []
      for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size))
      assert.deepStrictEqual(commands(chunks), expected, `pieces of ${size}`)
    }
  })

  it("fails the same wherever the stream is cut", () => {
    const bad = latin1("PING\r\n*2\r\n$4\r\nQLEN\r\n$x\r\n")
    for (let at = 0; at <= bad.length; at++) {
      assert.deepStrictEqual(commands([bad.subarray(0, at), bad.subarray(at)]), [
        ["PING"],
        ["ERR Protocol error: invalid bulk length"]
      ])
    }
  })

  it("reads a large body in many pieces in time that grows with its size alone", () => {
    const size = 32 * 1024 * 1024
    const piece = new Uint8Array(1024).fill(0x61)
    const parser = new CommandParser()
    parser.feed(latin1(`*1\r\n$${size}\r\n`))
    const started = performance.now()
    for (let sent = 0; sent < size; sent += piece.length) {
      assert.isUndefined(parser.next())
      parser.feed(piece)
    }
    parser.feed(latin1("\r\n"))
    const command = parser.next()
    assert.strictEqual(command instanceof Failure ? 0 : command?.[0]?.length, size)
    // Copying what there is with every piece would move half a terabyte.
    assert.isBelow(performance.now() - started, 5000)
  })

  it("counts what it keeps", () => {
    const parser = new CommandParser()
    parser.feed(latin1("*2\r\n$4\r\nQLEN\r\n$100\r\nabc"))
    assert.isUndefined(parser.next())
    assert.strictEqual(parser.size, 7)
  })
})
