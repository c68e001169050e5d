// What a package says that it depends on, beside what it imports.

import { readFileSync } from "node:fs"
import { builtinModules } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Tarball } from "./tarball.js"

const root = fileURLToPath(new URL("../..", import.meta.url))

const imports = /\bfrom "([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)|^import "([^"]+)"/gm

/** The package that a module belongs to; undefined for a file, and for a module of Node.js. */
const packageOf = (module: string): string | undefined => {
  if (/^[.#]|^node:/.test(module) || builtinModules.includes(module)) return undefined
  return /^(@[^/]+\/[^/]+|[^/]+)/.exec(module)?.[1]
}

/** The packages that what is published imports, types included. */
const imported = ({ files }: Tarball): ReadonlySet<string> => {
  const found = new Set<string>()
  for (const [name, data] of files) {
    if (!/^dist\/.*\.(js|d\.ts)$/.test(name)) continue
    // What an example imports, in a comment, is not imported here.
    const text = new TextDecoder().decode(data).replace(/\/\*.*?\*\//gs, "")
    for (const [, from, dynamic, bare] of text.matchAll(imports)) {
      const needed = packageOf(from ?? dynamic ?? bare ?? "")
      if (needed !== undefined) found.add(needed)
    }
  }
  return found
}

/** What a dependency wants of whoever depends on it. */
const peersOf = (folder: string, name: string): ReadonlyArray<string> => {
  const path = join(root, "packages", folder, "node_modules", name, "package.json")
  const { peerDependencies = {} } = JSON.parse(readFileSync(path, "utf8"))
  return Object.keys(peerDependencies)
}

/** Dependencies that nothing imports, and imports that are no dependencies. */
export const checkDependencies = (tarball: Tarball): ReadonlyArray<string> => {
  const { dependencies = {}, name, peerDependencies = {} } = tarball.manifest
  const folder = name.replace(/^.*\//, "")
  const used = imported(tarball)
  const declared = new Set(Object.keys({ ...dependencies, ...peerDependencies }))
  const peers = new Set([...declared].filter((each) => used.has(each)).flatMap((each) => peersOf(folder, each)))
  // The types of Node.js are those of the user.
  const missing = [...used].filter((each) => !declared.has(each) && each !== name && each !== "@types/node")
  const unused = [...declared].filter((each) => !used.has(each) && !peers.has(each))
  return [
    ...missing.map((each) => `imports ${each}, on which it does not depend`),
    ...unused.map((each) => `depends on ${each}, which it does not import`)
  ]
}
