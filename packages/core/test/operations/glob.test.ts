import { assert, describe, it } from "@effect/vitest"
import { matches } from "../../src/operations/glob.js"

describe.concurrent("a pattern of names", () => {
  it("stands for the names that it fits, and no others", () => {
    const fitting = ["a", "ab", "abc", "b", "", "a*c", "a.c", "😀"]
    const all = (pattern: string) => fitting.filter((name) => matches(pattern, name))
    assert.deepStrictEqual(all("*"), fitting)
    assert.deepStrictEqual(all("a*"), ["a", "ab", "abc", "a*c", "a.c"])
    assert.deepStrictEqual(all("a?c"), ["abc", "a*c", "a.c"])
    assert.deepStrictEqual(all("a.c"), ["a.c"])
    assert.deepStrictEqual(all("*b*"), ["ab", "abc", "b"])
    assert.deepStrictEqual(all("?"), ["a", "b", "😀"])
    assert.deepStrictEqual(all("a"), ["a"])
    assert.deepStrictEqual(all("**c"), ["abc", "a*c", "a.c"])
  })

  it("takes no time that grows out of bounds", () => {
    assert.isFalse(matches(`${"*a".repeat(50)}b`, "a".repeat(5000)))
  })
})
