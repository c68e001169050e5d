// Loads the packed packages beside Effect 3, and beside a later one: there Node.js misses a module before any of theirs runs, and
// has to name, as what asked for it, the file whose name says what to install.

import { execFile } from "node:child_process"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { install, write } from "./check.mjs"

const advice = "needs-effect-3--npm-install-effect@3.js"

/** An Effect of which no module is left where Effect 3 has it, but for the one of all names. */
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

const run = (cwd, program) =>
  new Promise((resolve) => {
    execFile(process.execPath, ["--eval", program], { cwd }, (error, _, stderr) =>
      resolve({ loaded: error === null, stderr: stderr.trim() })
    )
  })

/**
 * What does not load beside Effect 3, or fails beside a later one without a word of what to install.
 *
 * @param {string} folder An empty one.
 * @param {ReadonlyArray<Map<string, Buffer>>} packages Their files by name.
 */
export const checkEffects = async (folder, packages) => {
  install(folder, packages, "flat")
  const names = packages.map((files) => JSON.parse(files.get("package.json").toString("utf8")).name)
  const problems = []

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
        problems.push(`${program} beside Effect 4 does not end with a word of ${advice}:\n${stderr}`)
      }
    }
  }
  return problems
}
