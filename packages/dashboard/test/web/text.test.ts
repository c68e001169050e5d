import { execFileSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import { command, pieces, printable, quoted } from "../../web/text.js"

const hostile = [
  "plain",
  "two words",
  "it's",
  '$HOME `id` "x" \\ !',
  "-rf",
  "",
  "tab\tnew\nline",
  "bell\u0007 and a quote ' and a \\",
  "abc\u202edcba",
  "zero\u200bwidth",
  "grinning \u{1f600} face",
  "tag \u{e0041}"
]

describe("text of somebody else", () => {
  it("shows characters that cannot be seen as their codes, and all others as they are", () => {
    assert.strictEqual(printable("a\u202eb\u0000c\u2028d"), "a\\u{202e}b\\x00c\\u{2028}d")
    assert.strictEqual(printable("é ñ 中文 עברית \u{1f600} <b>&amp;</b>"), "é ñ 中文 עברית \u{1f600} <b>&amp;</b>")
  })

  it("keeps the characters that a place can show", () => {
    assert.deepStrictEqual(pieces("a\nb\u0007", "\n"), [
      { text: "a\nb", isCode: false },
      { text: "\\x07", isCode: true }
    ])
  })

  it.skipIf(process.platform === "win32")("quotes each word so that a shell reads it exactly", () => {
    for (const word of hostile) {
      const read = execFileSync("bash", ["-c", `printf '%s|' ${quoted(word)}`], {
        encoding: "utf8",
        env: { ...process.env, LC_ALL: "C.UTF-8" }
      })
      assert.strictEqual(read, `${word}|`)
    }
  })

  it("writes a word that begins with a dash behind --", () => {
    assert.strictEqual(command(["queue"], ["-x"]), "disco queue -- -x")
    assert.strictEqual(command(["pause"], ["a b", "out"]), "disco pause 'a b' out")
  })
})
