import { readdir, readFile } from "node:fs/promises"
import { assert, it } from "@effect/vitest"

const here = new URL(".", import.meta.url)
const pages = new URL("../../docs/guide/", import.meta.url)

/** The files of a folder with a name of this form, as texts. */
const texts = async (folder: URL, form: RegExp) => {
  const names = (await readdir(folder)).filter((name) => form.test(name))
  return Promise.all(names.map((name) => readFile(new URL(name, folder), "utf8")))
}

/** Lines without the margin that they have in common: a piece of a program stands at the left of a page. */
const atLeft = (text: string): string => {
  const lines = text.split("\n")
  const margin = Math.min(...lines.filter((line) => line !== "").map((line) => line.search(/\S/)))
  return lines.map((line) => line.slice(margin)).join("\n")
}

it("the guide shows pieces of programs that are files here, to the letter", async () => {
  const programs = (await texts(here, /(?<!documents\.test)\.ts$/)).map((text) => text.split("\n"))
  const isPiece = (piece: string): boolean => {
    const { length } = piece.split("\n")
    return programs.some((lines) => lines.some((_, i) => atLeft(lines.slice(i, i + length).join("\n")) === piece))
  }
  const shown = (await texts(pages, /\.md$/)).flatMap((page) =>
    [...page.matchAll(/^```ts\n(.*?)\n```/gms)].map(([, piece]) => piece ?? "")
  )
  assert.isAbove(shown.length, 30)
  assert.deepStrictEqual(
    shown.filter((piece) => !isPiece(piece)),
    []
  )
})
