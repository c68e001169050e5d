import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, FastCheck as fc, Stream } from "effect"
import { lines } from "../../src/jobs/lines.js"

const text = (bytes: Uint8Array | undefined) =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString("latin1")

const read = (pieces: ReadonlyArray<Uint8Array>, most = 1000) =>
  lines(Stream.fromIterable(pieces), most).pipe(
    Stream.runCollect,
    Effect.map((all) => Chunk.toReadonlyArray(all).map(({ body, number }) => [number, text(body)] as const))
  )

const piecesOf = (whole: string, cuts: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const bytes = Buffer.from(whole, "latin1")
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end))
}

describe("lines", () => {
  it.effect("are numbered, end with LF or CRLF, and may be empty; the last one needs no end", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* read([Buffer.from("a\r\n\nb\rc\nd")]), [
        [1, "a"],
        [2, ""],
        [3, "b\rc"],
        [4, "d"]
      ])
      assert.deepStrictEqual(yield* read([Buffer.from("a\n")]), [[1, "a"]])
      assert.deepStrictEqual(yield* read([]), [])
    })
  )

  it.effect("that are too long have no body, and those after them have their number", () =>
    Effect.gen(function* () {
      const pieces = ["abc", "def\nab", "cd\n", "x\n", "abcde"].map((piece) => Buffer.from(piece))
      assert.deepStrictEqual(yield* read(pieces, 4), [
        [1, undefined],
        [2, "abcd"],
        [3, "x"],
        [4, undefined]
      ])
    })
  )

  it.effect.prop(
    "are the same, however the bytes are cut",
    [
      fc.string({ unit: fc.constantFrom("a", "b", "\n", "\r", "\xff"), maxLength: 60 }),
      fc.array(fc.nat(100), { maxLength: 6 })
    ],
    ([whole, cuts]) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* read(piecesOf(whole, cuts)), yield* read([Buffer.from(whole, "latin1")]))
      })
  )
})
