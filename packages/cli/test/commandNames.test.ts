import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Command } from "../src/command/Command.js"
import { optionName } from "../src/command/commandLine.js"
import { signatureOf } from "../src/command/signature.js"
import { explanations } from "../src/explain/explanations.js"
import { allCommands } from "./utils/allCommands.js"

const root = fileURLToPath(new URL("../../../", import.meta.url))

const textOf = (path: string) => readFileSync(`${root}${path}`, "utf8")

const pages = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(`${root}docs`)
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
  ...["cli", "core", "embedded", "funnel", "node"].map((name) => `packages/${name}/README.md`)
]

/** Lines of code, and code within lines, that begin with the command. */
const commandLines = (markdown: string): ReadonlyArray<string> => [
  ...[...markdown.matchAll(/^\s*(?:\$ |.*\| )?(?:npx @disco\/cli|disco)( [^\n]*)$/gm)]
    .filter(({ index }) => (markdown.slice(0, index).match(/^\s*```/gm) ?? []).length % 2 === 1)
    .map(([, words = ""]) => words),
  ...[...markdown.matchAll(/`(?:npx @disco\/cli|disco)( [^`\n]*)`/g)].map(([, words = ""]) => words)
]

/** What each command understands, or `disco` by itself. */
const ofAll = new Set(["--help", "-h", "--version", "--completions"])

const all = Effect.map(allCommands, (found) => new Map(found))

/** What is wrong with a line of words behind `disco`: a command or an option that is not there. */
const wrongIn = (found: ReadonlyMap<string, Command>, line: string): string | undefined => {
  // What stands behind a pipe, a redirection or a comment belongs to others.
  const words = (line.split(/\s[|<>#]|\s\d?>|\s&/)[0] ?? "").trim().split(/\s+/)
  const [first = "", second = ""] = words
  if (!/^[a-z]/.test(first)) return undefined
  const command = found.get(first) ?? found.get(`${first} ${second}`)
  if (command === undefined) {
    const isGroup = [...found.keys()].some((path) => path.startsWith(`${first} `))
    return isGroup && (second === "" || !/^[a-z]/.test(second)) ? undefined : `there is no disco ${first} ${second}`
  }
  const path = found.has(first) ? first : `${first} ${second}`
  const options = Object.entries(signatureOf(command, path).options).flatMap(([key, { alias, short }]) => [
    optionName(key),
    ...(alias === undefined ? [] : [`--${alias}`]),
    ...(short === undefined ? [] : [`-${short}`])
  ])
  const given = words.filter((word) => /^--?[a-z]/.test(word)).map((word) => word.replace(/[=,.;].*$/, ""))
  const strange = given.find((word) => !options.includes(word) && !ofAll.has(word))
  return strange === undefined ? undefined : `disco ${path} has no ${strange}`
}

describe("commands that texts name", () => {
  it.effect("are there, with their options, in what disco explain says", () =>
    Effect.gen(function* () {
      const found = yield* all
      const texts = explanations.flatMap(({ means, title, todo }) => [title, means, ...todo])
      const named = texts.flatMap((text) =>
        [...text.matchAll(/\bdisco( [a-z][a-z -]*[A-Z]*)/g)].map(([, words]) => words)
      )
      assert.isAbove(named.length, 10)
      for (const words of named) assert.strictEqual(wrongIn(found, words ?? ""), undefined, words)
    })
  )

  it.effect("are there, with their options, in the documents", () =>
    Effect.gen(function* () {
      const found = yield* all
      let count = 0
      for (const page of pages) {
        for (const line of commandLines(textOf(page))) {
          count += 1
          assert.strictEqual(wrongIn(found, line), undefined, `${page}: disco${line}`)
        }
      }
      assert.isAbove(count, 100)
    })
  )

  it.effect("are found missing where they are", () =>
    Effect.gen(function* () {
      const found = yield* all
      assert.strictEqual(wrongIn(found, " queue emails --heads 3"), "disco queue has no --heads")
      assert.strictEqual(wrongIn(found, " node start x"), "there is no disco node start")
      assert.strictEqual(wrongIn(found, " lag emails"), "there is no disco lag emails")
      assert.strictEqual(wrongIn(found, " queues --json | jq --raw-output"), undefined)
    })
  )
})
