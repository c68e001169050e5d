import { assert, describe, it } from "@effect/vitest"
import { repaint } from "../../src/screen/paint.js"

const esc = String.fromCharCode(0x1b)
const size = { columns: 10, rows: 3 }

describe("painting a screen", () => {
  it("writes the lines that differ, and nothing if none does", () => {
    const before = { lines: ["one", "two", "three"] }
    const text = repaint(before, { lines: ["one", "2", "three"] }, size)
    assert.include(text, `${esc}[2;1H2`)
    assert.notInclude(text, "one")
    assert.notInclude(text, "three")
    assert.strictEqual(repaint(before, { lines: ["one", "two", "three"] }, size), "")
  })

  it("writes all lines without a picture before, and no more than there are rows", () => {
    const text = repaint(undefined, { lines: ["a", "b", "c", "d"] }, size)
    for (const line of ["a", "b", "c"]) assert.include(text, `H${line}`)
    assert.notInclude(text, "Hd")
  })

  it("erases what is behind a line, but not the last column of a line that is full", () => {
    assert.include(repaint(undefined, { lines: ["short"] }, size), `short${esc}[0m${esc}[K`)
    assert.notInclude(repaint(undefined, { lines: ["0123456789"] }, { columns: 10, rows: 1 }), `${esc}[K`)
  })

  it("shows the cursor where something is typed", () => {
    const text = repaint({ lines: [] }, { lines: [], cursor: { row: 2, column: 4 } }, size)
    assert.include(text, `${esc}[3;5H${esc}[?25h`)
    assert.include(repaint({ lines: [], cursor: { row: 2, column: 4 } }, { lines: [] }, size), `${esc}[?25l`)
  })
})
