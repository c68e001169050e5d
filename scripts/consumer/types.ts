// Compiles programs against the packed packages, as they are once installed by npm (flat) and by pnpm (each package sees what it
// depends on, and nothing else), for each way that TypeScript finds modules: nothing that they infer may be without a name.

import { spawn } from "node:child_process"
import { copyFileSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { availableParallelism } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { root } from "../pnpm.mjs"
import { generate } from "./generate.mjs"

const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc")

/** Where the workspace has a dependency of one of its packages. */
const installed = (folder, name) => realpathSync(join(root, "packages", folder, "node_modules", name))

const link = (target, path) => {
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(target, path, "junction")
}

export const write = (folder, files) => {
  for (const [name, content] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
}

/**
 * Installs packages, each given as its files by name, into the `node_modules` of a folder, with what they depend on.
 *
 * @param {string} folder
 * @param {ReadonlyArray<Map<string, Buffer>>} packages
 * @param {"flat" | "strict"} layout
 */
export const install = (folder, packages, layout) => {
  const modules = join(folder, "node_modules")
  const manifests = packages.map((files) => JSON.parse(files.get("package.json").toString("utf8")))
  const own = new Set(manifests.map(({ name }) => name))
  const home = (name) => (layout === "flat" ? modules : join(modules, ".store", name.replace("/", "+"), "node_modules"))
  const foreign = new Map([["@types/node", realpathSync(join(root, "node_modules/@types/node"))]])
  packages.forEach((files, i) => {
    const { dependencies, name, peerDependencies } = manifests[i]
    write(join(home(name), name), files)
    for (const needed of Object.keys({ ...dependencies, ...peerDependencies })) {
      if (!own.has(needed)) foreign.set(needed, installed(name.replace(/^.*\//, ""), needed))
      if (layout === "strict") {
        link(own.has(needed) ? join(home(needed), needed) : foreign.get(needed), join(home(name), needed))
      }
    }
    if (layout === "strict") link(join(home(name), name), join(modules, name))
  })
  const wanted = [...foreign.keys()].filter((name) => layout === "flat" || name !== "ioredis")
  for (const name of wanted) link(foreign.get(name), join(modules, name))
  const dependencies = Object.fromEntries([...own, ...wanted].map((name) => [name, "*"]))
  const manifest = { name: "consumer", type: "module", private: true, dependencies }
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest))
}

const ways = [
  { layout: "flat", module: "NodeNext", moduleResolution: "NodeNext" },
  { layout: "flat", module: "Node16", moduleResolution: "Node16" },
  { layout: "strict", module: "Preserve", moduleResolution: "Bundler" }
]

const compile = (folder, { module, moduleResolution }) =>
  new Promise((resolve, reject) => {
    const compilerOptions = {
      target: "ES2022",
      lib: ["ES2023", "DOM"],
      module,
      moduleResolution,
      strict: true,
      exactOptionalPropertyTypes: true,
      verbatimModuleSyntax: true,
      skipLibCheck: false,
      declaration: true,
      composite: true,
      rootDir: "src",
      outDir: "out",
      types: ["node"]
    }
    const config = join(folder, `tsconfig.${module}.json`)
    writeFileSync(config, JSON.stringify({ compilerOptions, include: ["src"] }))
    const child = spawn(process.execPath, [tsc, "-p", config], { stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    child.stdout.on("data", (chunk) => (output += chunk))
    child.stderr.on("data", (chunk) => (output += chunk))
    child.on("error", reject)
    child.on("close", () => resolve(output.trim()))
  })

/**
 * What does not compile, by the way that it was compiled.
 *
 * @param {string} folder An empty one.
 * @param {ReadonlyArray<Map<string, Buffer>>} packages Their files by name.
 */
export const checkTypes = async (folder, packages) => {
  let generated
  const waiting = ways.map((way) => {
    const consumer = join(folder, `${way.layout}-${way.module}`)
    install(consumer, packages, way.layout)
    mkdirSync(join(consumer, "src"))
    copyFileSync(fileURLToPath(new URL("program.ts", import.meta.url)), join(consumer, "src/program.ts"))
    const names = packages.map((files) => JSON.parse(files.get("package.json").toString("utf8")).name)
    generated ??= generate(join(consumer, "src/probe.ts"), names)
    writeFileSync(join(consumer, "src/everything.ts"), generated)
    return { consumer, way }
  })
  const problems = []
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { consumer, way } = next
      const output = await compile(consumer, way)
      if (output !== "") {
        problems.push(
          `does not compile in a program of ${way.module}, ${way.moduleResolution}, ${way.layout} node_modules:\n${output}`
        )
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work))
  return problems
}
