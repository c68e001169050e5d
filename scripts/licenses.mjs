// What a bundle holds of other packages, with their licenses, as those ask for.

import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/** The folder of the package that a file belongs to, if it is not of this workspace. @param {string} path */
const packageOf = (path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]

/**
 * Writes THIRD-PARTY.md into the folder of a bundle.
 *
 * @param {string} folder
 * @param {Iterable<string>} paths The files that the bundle is made of.
 */
export const writeLicenses = (folder, paths) => {
  const found = new Map()
  for (const path of paths) {
    const of = packageOf(path)
    if (of === undefined) continue
    const { license, name, version } = JSON.parse(readFileSync(join(of, "package.json"), "utf8"))
    const file = readdirSync(of).find((each) => /^(licen[cs]e|copying)/i.test(each))
    const text = file === undefined ? "" : `\n${readFileSync(join(of, file), "utf8").trim()}\n`
    found.set(`${name} ${version}`, `## ${name} ${version} (${license})\n${text}`)
  }
  const used = [...found.keys()].toSorted().map((name) => found.get(name))
  writeFileSync(join(folder, "THIRD-PARTY.md"), ["# What is in these files, and its licenses\n", ...used].join("\n"))
}
