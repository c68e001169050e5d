import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { matchesGlob } from "../../src/internal/wire/globs.js"

/** The same as a regular expression, for patterns without sets. */
const asRegExp = (pattern: string): RegExp => {
  let source = ""
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] as string
    if (char === "*") source += "[^]*"
    else if (char === "?") source += "[^]"
    else
      source += `\\u{${(char === "\\" && i + 1 < pattern.length ? (pattern[++i] as string) : char).charCodeAt(0).toString(16)}}`
  }
  return new RegExp(`^${source}$`, "u")
}

describe("a pattern", () => {
  it("matches what it says, with stars, question marks and backslashes", () => {
    const text = FastCheck.array(FastCheck.constantFrom("a", "b", "-"), { maxLength: 8 }).map((chars) => chars.join(""))
    const pattern = FastCheck.array(FastCheck.constantFrom("a", "b", "-", "*", "?", "\\"), { maxLength: 7 }).map(
      (chars) => chars.join("")
    )
    FastCheck.assert(
      FastCheck.property(pattern, text, (pattern, text) => {
        assert.strictEqual(matchesGlob(pattern, text), asRegExp(pattern).test(text), `${pattern} ~ ${text}`)
      }),
      { numRuns: 3000 }
    )
  })

  it("matches sets", () => {
    for (const [pattern, text, expected] of [
      ["max[a-m]emory", "maxmemory", true],
      ["[^a]*", "maxmemory", true],
      ["[^m]*", "maxmemory", false],
      ["*[xy]", "maxmemory", true],
      ["*[z-a]m*", "maxmemory", true],
      ["*[\\]]*", "a]b", true],
      ["a[b", "ab", true],
      ["[", "[", false]
    ] as const) {
      assert.strictEqual(matchesGlob(pattern, text), expected, `${pattern} ~ ${text}`)
    }
  })

  it("of many stars takes no longer than its length is worth", () => {
    const text = `${"a".repeat(20_000)}c`
    assert.isFalse(matchesGlob(`${"*a".repeat(50)}*b`, text))
    assert.isTrue(matchesGlob(`${"*a".repeat(50)}*c`, text))
  })
})
