import { assert, describe, it } from "@effect/vitest"
import { cut, pad, printable, width } from "../../src/output/text.js"

describe("text of somebody else", () => {
  it("cannot control the terminal, nor change the order of what it shows", () => {
    assert.strictEqual(printable("a\u001b[2Jb\n\u0007"), "a\\x1b[2Jb\\x0a\\x07")
    assert.strictEqual(printable("abc\u202edcb\u2028"), "abc\\u{202e}dcb\\u{2028}")
    assert.strictEqual(printable("half \ud800"), "half \\u{d800}")
    assert.strictEqual(printable("grüße 漢字 🎉"), "grüße 漢字 🎉")
  })

  it("is as wide as a terminal shows it", () => {
    assert.deepStrictEqual(["abc", "漢字", "🎉", "e\u0301", "\u001b[31mred\u001b[39m"].map(width), [3, 4, 2, 1, 3])
  })

  it("is cut with a sign, and never wider than it may be", () => {
    assert.strictEqual(cut("a long name", 6), "a lon…")
    assert.strictEqual(cut("漢字漢字", 4), "漢…")
    assert.strictEqual(cut("short", 5), "short")
    assert.strictEqual(cut("none", 0), "")
    assert.strictEqual(pad("漢", 4), "漢  ")
    assert.strictEqual(pad("7", 3, "right"), "  7")
  })
})
