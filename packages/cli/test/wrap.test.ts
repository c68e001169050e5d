import { assert, describe, it } from "@effect/vitest"
import { table } from "../src/demo/screen.js"
import { wrap } from "../src/wrap.js"

describe("a terminal", () => {
  const text = "  worker 5 crashes with 3 jobs in its hands: commands.md, guarantees.md, performance.md"

  for (const columns of [20, 30, 40, 60, 80, 200]) {
    it(`of ${columns} columns breaks no word, and loses none`, () => {
      const lines = wrap(`${text}\n\nstopped`, columns).split("\n")
      for (const line of lines) assert.isAtMost(line.length, columns)
      assert.deepStrictEqual(lines.join(" ").split(/ +/), ` ${text.trim()} stopped`.split(" "))
    })
  }

  it("gives a word that is longer than a line a line of its own, whole", () => {
    assert.strictEqual(
      wrap("listens on /a/path/that/is/long/enough now", 20),
      "listens on\n/a/path/that/is/long/enough\nnow"
    )
  })

  it("does not count colors as columns", () => {
    const colored = "\u001b[32mgreen\u001b[0m and more words"
    assert.strictEqual(wrap(colored, 20), colored)
  })

  it("shows a table as a list if it is too narrow for columns", () => {
    const rows = [
      ["", "through Disque", "plain walk"],
      ["files", 3, 3],
      ["redeliveries", 1, ""]
    ]
    assert.strictEqual(
      table(rows, 30),
      "  files\n    through Disque: 3\n    plain walk: 3\n  redeliveries\n    through Disque: 1"
    )
    assert.include(table(rows, 60), "through Disque   plain walk\n")
  })
})
