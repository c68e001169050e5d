import { assert, describe, it } from "@effect/vitest"
import { parseBig, parseInteger, parseLong, uint32 } from "../../src/internal/wire/integers.js"

describe("integers", () => {
  it("are read with a sign and leading zeros", () => {
    assert.deepStrictEqual(["0", "7", "-7", "+7", "007", "-0"].map(parseInteger), [0, 7, -7, 7, 7, -0])
  })

  it("are 0 in an empty text, and end at a NUL", () => {
    assert.deepStrictEqual(["", "12\x003", "\x00abc"].map(parseInteger), [0, 12, 0])
  })

  it("are refused in any other text", () => {
    for (const text of [" 1", "1 ", "1.5", "0x10", "1e3", "--1", "-", "+", "one"]) {
      assert.isUndefined(parseInteger(text), text)
      assert.isUndefined(parseLong(text), text)
    }
  })

  it("have 64 bits and a sign", () => {
    assert.strictEqual(parseLong("9223372036854775807"), 2n ** 63n - 1n)
    assert.strictEqual(parseLong("-9223372036854775808"), -(2n ** 63n))
    assert.isUndefined(parseLong("9223372036854775808"))
    assert.isUndefined(parseLong("-9223372036854775809"))
    assert.strictEqual(parseBig("18446744073709551615"), 2n ** 64n - 1n)
  })

  it("keep their lowest bits as numbers, and stay large", () => {
    for (const text of ["4294967297", "4611686018427387905", "9223372036854775807"]) {
      const number = parseInteger(text) ?? 0
      assert.isAbove(number, 2 ** 31)
      assert.strictEqual(uint32(number), Number(BigInt.asUintN(32, BigInt(text))), text)
    }
  })

  it("wrap around in 32 bits", () => {
    assert.deepStrictEqual([-1, 0, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 5].map(uint32), [2 ** 32 - 1, 0, 2 ** 32 - 1, 0, 5])
  })
})
