import { assert, describe, it } from "@effect/vitest"
import { splitInline } from "../../src/internal/wire/inline.js"

describe("a command line", () => {
  it("is split at spaces of any kind, without empty words", () => {
    assert.deepStrictEqual(splitInline("  ADDJOB\tq  body\r "), ["ADDJOB", "q", "body"])
    assert.deepStrictEqual(splitInline(" "), [])
    assert.deepStrictEqual(splitInline(`ADDJOB "" ''`), ["ADDJOB"])
  })

  it("keeps spaces and escapes in double quotes", () => {
    assert.deepStrictEqual(splitInline('"a b" "\\n\\r\\t\\b\\a" "\\x41\\xff" "\\"\\q"'), [
      "a b",
      "\n\r\t\b\x07",
      "A\xff",
      '"q'
    ])
  })

  it("keeps all but an escaped quote in single quotes", () => {
    assert.deepStrictEqual(splitInline("'a \\n' 'it\\'s'"), ["a \\n", "it's"])
  })

  it("joins a quoted part with the letters before the quote", () => {
    assert.deepStrictEqual(splitInline('key"a b" c'), ["keya b", "c"])
  })

  it("is refused if a quote is not closed, or letters follow the closing quote", () => {
    for (const line of ['"a', "'a", '"a"b', "'a'b", '"a\\"']) assert.isUndefined(splitInline(line), line)
  })
})
