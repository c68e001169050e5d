import { assert, describe, it } from "@effect/vitest"
import { type Column, table } from "../../src/output/table.js"
import { width } from "../../src/output/text.js"

interface Row {
  readonly name: string
  readonly length: number
  readonly note: string
}

const columns: ReadonlyArray<Column<Row>> = [
  { title: "NAME", cell: ({ name }) => name, least: 8 },
  { title: "LENGTH", cell: ({ length }) => String(length), align: "right" },
  { title: "OLD", cell: () => "12s", align: "right", priority: 2 },
  { title: "NOTE", cell: ({ note }) => note, priority: 1 }
]

const rows: ReadonlyArray<Row> = [
  { name: "a", length: 1, note: "fine" },
  { name: "a rather long name", length: 12_345, note: "" }
]

const at = (columnsOf: number) => table(columns, rows, { columns: columnsOf, hasColor: false })

describe("a table", () => {
  it("aligns names to the left and numbers to the right", () => {
    assert.deepStrictEqual(at(80).split("\n"), [
      "NAME                LENGTH  OLD  NOTE",
      "a                        1  12s  fine",
      "a rather long name   12345  12s"
    ])
  })

  it("cuts what may be cut, then leaves columns out, and never wraps", () => {
    assert.deepStrictEqual(at(30).split("\n"), [
      "NAME         LENGTH  OLD  NOTE",
      "a                 1  12s  fine",
      "a rather l…   12345  12s"
    ])
    assert.deepStrictEqual(at(24).split("\n")[0], "NAME        LENGTH  NOTE")
    assert.deepStrictEqual(at(18).split("\n")[0], "NAME        LENGTH")
    for (let columnsOf = 12; columnsOf < 60; columnsOf++) {
      for (const line of at(columnsOf).split("\n")) assert.isAtMost(width(line), columnsOf)
    }
  })

  it("leaves out columns that have nothing to tell", () => {
    const bare = rows.map((row) => ({ ...row, note: "" }))
    assert.notInclude(table(columns, bare, { columns: 80, hasColor: false }), "NOTE")
  })

  it("colors cells without moving them", () => {
    const colored = columns.map(
      (column): Column<Row> => ({ ...column, paint: () => (text) => `\u001b[31m${text}\u001b[39m` })
    )
    const text = table(colored, rows, { columns: 30, hasColor: true })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the codes.
    assert.strictEqual(text.replace(/\u001b\[\d+m/g, ""), at(30))
  })
})
