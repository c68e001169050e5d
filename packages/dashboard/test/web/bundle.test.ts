import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"

const app = fileURLToPath(new URL("../../app/", import.meta.url))

const web = fileURLToPath(new URL("../../web/", import.meta.url))

const read = (name: string): string => readFileSync(app + name, "utf8")

describe("the files of the page", () => {
  it("are less than 150 kB compressed", () => {
    const sizes = readdirSync(app).map((name) => gzipSync(readFileSync(app + name)).length)
    const total = sizes.reduce((sum, size) => sum + size, 0)
    assert.isBelow(total, 150_000)
    assert.isAbove(total, 20_000)
  })

  it("have no inline script or style, and address nothing but what is beside them", () => {
    const html = read("index.html")
    assert.notMatch(html, /<style|style=|<script(?![^>]*\ssrc=)|\son\w+=/)
    const addresses = Array.from(html.matchAll(/(?:src|href)="([^"]*)"/g), ([, address]) => address)
    assert.isNotEmpty(addresses)
    for (const address of addresses) assert.match(address ?? "", /^\.\/[\w.]+$/)
    assert.notMatch(read("style.css"), /url\(|@import/)
  })

  it("run no text as code, and take none for HTML", () => {
    assert.notMatch(read("app.js"), /\beval\(|\bnew Function\b|\bFunction\(/)
    const sources = readdirSync(web, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name))
    assert.isAbove(sources.length, 30)
    for (const name of sources) {
      assert.notMatch(readFileSync(web + name, "utf8"), /innerHTML|document\.write|insertAdjacentHTML/i, name)
    }
  })
})
