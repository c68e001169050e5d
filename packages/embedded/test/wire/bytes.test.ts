import { assert, describe, it } from "@effect/vitest"
import { asBody, bodyFrom, byteStrings, toBytes } from "../../src/internal/wire/bytes.js"

const all = Uint8Array.from({ length: 256 }, (_, i) => i)

describe("a byte string", () => {
  for (const [runtime, prototype] of [
    ["Node.js", Buffer.prototype],
    ["a runtime without Buffer", {}]
  ] as const) {
    const { fromBytes, writeText } = byteStrings(prototype)

    it(`has a character for each byte, in ${runtime}`, () => {
      for (const length of [0, 1, 47, 48, 255, 4096, 4097, 20_000]) {
        const bytes = Uint8Array.from({ length }, (_, i) => (i * 7) % 256)
        const text = fromBytes(bytes)
        assert.strictEqual(text.length, length)
        assert.strictEqual(fromBytes(bytes, length >> 2, length >> 1), text.slice(length >> 2, length >> 1))
        const written = new Uint8Array(length + 2).fill(1)
        writeText(text, written, 1)
        assert.deepStrictEqual(written, Uint8Array.from([1, ...bytes, 1]))
      }
      assert.deepStrictEqual(
        [...fromBytes(all)].map((char) => char.charCodeAt(0)),
        [...all]
      )
    })
  }
})

describe("a body that is kept", () => {
  for (const length of [0, 512, 513, 5000]) {
    it(`shares no memory with what it came from: ${length} bytes`, () => {
      for (const chunk of [new Uint8Array(6000).fill(1), Buffer.alloc(6000, 1)]) {
        const bodies = [asBody(chunk.subarray(0, length)), bodyFrom(chunk, 3, 3 + length)]
        chunk.fill(2)
        for (const body of bodies) {
          const bytes = typeof body === "string" ? toBytes(body) : body
          assert.deepStrictEqual(bytes, new Uint8Array(length).fill(1))
          assert.strictEqual(bytes.buffer.byteLength, length)
        }
      }
    })
  }
})
