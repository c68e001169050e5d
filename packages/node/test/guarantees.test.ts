import { readFile } from "node:fs/promises"
import { assert, describe, it } from "@effect/vitest"

const file = (path: string) => readFile(new URL(`../../../${path}`, import.meta.url), "utf8")

describe("the page of guarantees", () => {
  it("names tests that there are", async () => {
    const page = await file("docs/guarantees.md")
    const rows = page.split("\n").filter((line) => /^\|.*`packages/.test(line))
    assert.isAbove(rows.length, 20)
    for (const row of rows) {
      const [, path = "", names = ""] = /`(packages\/[^`]+)`(?:: (.+?))? \|$/.exec(row) ?? []
      const tests = await file(path)
      for (const name of names.split("; ")) assert.include(tests, name, row)
    }
  })
})
