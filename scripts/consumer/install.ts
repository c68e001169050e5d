import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Tarball } from "./tarball.js"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** Where the workspace has a dependency of one of its packages. */
const installed = (folder: string, name: string): string =>
  realpathSync(join(root, "packages", folder, "node_modules", name))

const link = (target: string, path: string): void => {
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(target, path, "junction")
}

export const write = (folder: string, files: ReadonlyMap<string, string | Uint8Array>): void => {
  for (const [name, content] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
}

/**
 * Installs packages into the `node_modules` of a folder, with what they depend on: as npm does (flat), or as pnpm does (strict:
 * each package sees what it depends on, and nothing else).
 */
export const install = (folder: string, tarballs: ReadonlyArray<Tarball>, layout: "flat" | "strict"): void => {
  const modules = join(folder, "node_modules")
  const own = new Set(tarballs.map(({ manifest }) => manifest.name))
  const home = (name: string): string =>
    layout === "flat" ? modules : join(modules, ".store", name.replace("/", "+"), "node_modules")
  const foreign = new Map([["@types/node", realpathSync(join(root, "node_modules/@types/node"))]])
  for (const { files, manifest } of tarballs) {
    const { dependencies, name, peerDependencies } = manifest
    write(join(home(name), name), files)
    for (const needed of Object.keys({ ...dependencies, ...peerDependencies })) {
      const target = own.has(needed) ? join(home(needed), needed) : installed(name.replace(/^.*\//, ""), needed)
      if (!own.has(needed)) foreign.set(needed, target)
      if (layout === "strict") link(target, join(home(name), needed))
    }
    if (layout === "strict") link(join(home(name), name), join(modules, name))
  }
  for (const [name, target] of foreign) {
    if (layout === "flat" || name !== "ioredis") link(target, join(modules, name))
  }
  const dependencies = Object.fromEntries([...own, ...foreign.keys()].map((name) => [name, "*"]))
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "consumer", type: "module", private: true, dependencies })
  )
}
