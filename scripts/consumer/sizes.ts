// How large the packages are, and a program that uses them. The table is in docs/sizes.md.

import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"
import { install } from "./install.js"
import type { Tarball } from "./tarball.js"

const page = fileURLToPath(new URL("../../docs/sizes.md", import.meta.url))

/** How far a size may be from what the page says. */
const tolerance = 0.05

/** The smallest programs that add a job, and that work on jobs. */
const programs = {
  "a program that adds a job": `
    import * as NodeDisque from "@disco/node/NodeDisque"
    import { DisquePool } from "@disco/core/DisquePool"
    import * as Effect from "effect/Effect"
    const add = Effect.flatMap(DisquePool, (pool) => pool.addJob("emails", "hello"))
    Effect.runPromise(Effect.provide(add, NodeDisque.layerPoolConfig()))`,
  "a program with a worker": `
    import * as NodeDisque from "@disco/node/NodeDisque"
    import * as JobQueue from "@disco/core/JobQueue"
    import * as Worker from "@disco/funnel/Worker"
    import * as Effect from "effect/Effect"
    import * as Schema from "effect/Schema"
    const emails = JobQueue.make("emails", { payload: Schema.String })
    Effect.runPromise(Effect.provide(Worker.run(emails, Effect.log), NodeDisque.layerPoolConfig()))`
}

/** What a program takes with all that it imports, made small and compressed, in bytes. */
const sizeOfProgram = async (folder: string, contents: string): Promise<number> => {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "node",
    logLevel: "silent"
  })
  return gzipSync(outputFiles[0]?.contents ?? new Uint8Array()).length
}

const shown = (bytes: number): string => `${Math.round(bytes / 1000)} kB`

const rowsOf = (text: string): ReadonlyMap<string, string> =>
  new Map(
    [...text.matchAll(/^\| `?([^|`]+)`? \| (\d+ kB) \|/gm)].map(([, name = "", size = ""]) => [name.trim(), size])
  )

/** What the page says otherwise than it is. With `isWritten`, the page is written anew. */
export const checkSizes = async (
  folder: string,
  tarballs: ReadonlyArray<Tarball>,
  isWritten: boolean
): Promise<ReadonlyArray<string>> => {
  mkdirSync(folder)
  const libraries = tarballs.filter(({ manifest }) => manifest.bin === undefined)
  install(folder, libraries, "flat")
  const sizes = new Map(tarballs.map(({ manifest, path }) => [manifest.name, statSync(path).size]))
  for (const [name, contents] of Object.entries(programs)) sizes.set(name, await sizeOfProgram(folder, contents))
  const text = readFileSync(page, "utf8")
  if (isWritten) {
    const rows = [...sizes].map(([name, size]) => `| ${name.startsWith("@") ? `\`${name}\`` : name} | ${shown(size)} |`)
    writeFileSync(
      page,
      text.replace(/(^\|---\|---:\|\n)(?:\|.*\n)*/m, (_, head) => `${head}${rows.join("\n")}\n`)
    )
    return []
  }
  const told = rowsOf(text)
  return [...sizes].flatMap(([name, size]) => {
    const kilobytes = Number.parseInt(told.get(name) ?? "", 10)
    const isRight = Math.abs(size / 1000 - kilobytes) <= Math.max(1, kilobytes * tolerance)
    return isRight ? [] : [`docs/sizes.md says ${told.get(name) ?? "nothing"} of ${name}, which has ${shown(size)}`]
  })
}
