// Loads the packed packages beside Effect 3, and beside a later one: there Node.js misses a module before any of theirs runs, and
// has to name the file whose name says what to install as the one that imported the module.

import { execFile } from "node:child_process"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { install, write } from "./install.js"
import type { Tarball } from "./tarball.js"

const advice = "needs-effect-3--npm-install-effect@3.js"

/** An Effect that has no module where Effect 3 has it, except for its index. */
const later = new Map([
  [
    "package.json",
    JSON.stringify({
      name: "effect",
      version: "4.0.0",
      type: "module",
      exports: { ".": "./dist/index.js", "./*": "./dist/*.js" }
    })
  ],
  ["dist/index.js", ""]
])

interface Run {
  readonly loaded: boolean
  readonly stderr: string
}

const run = (cwd: string, program: string): Promise<Run> =>
  new Promise((resolve) => {
    execFile(process.execPath, ["--eval", program], { cwd }, (error, _, stderr) =>
      resolve({ loaded: error === null, stderr: stderr.trim() })
    )
  })

/** What does not load beside Effect 3, or fails beside a later one without saying what to install, in a folder that is empty. */
export const checkEffects = async (
  folder: string,
  tarballs: ReadonlyArray<Tarball>
): Promise<ReadonlyArray<string>> => {
  install(folder, tarballs, "flat")
  const names = tarballs.map(({ manifest }) => manifest.name)
  const problems: Array<string> = []

  const beside3 = await run(folder, names.map((name) => `import("${name}")`).join("\n"))
  if (!beside3.loaded) problems.push(`do not load beside Effect 3:\n${beside3.stderr}`)

  const effect = join(folder, "node_modules/effect")
  rmSync(effect)
  write(effect, later)
  const functions = process.features.require_module ? ["import", "require"] : ["import"]
  for (const name of names) {
    for (const load of functions) {
      const program = `${load}("${name}")`
      const { loaded, stderr } = await run(folder, program)
      if (loaded || !stderr.includes(join(name, "dist", advice))) {
        problems.push(`${program} beside Effect 4 does not end by naming ${advice}:\n${stderr}`)
      }
    }
  }
  return problems
}
