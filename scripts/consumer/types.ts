// Compiles programs against the packed packages, as npm and pnpm install them, for each way that TypeScript finds modules:
// nothing that the programs infer may be without a name.

import { execFile } from "node:child_process"
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { generate } from "./generate.js"
import { install } from "./install.js"
import type { Tarball } from "./tarball.js"

const tsc = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url))
const program = fileURLToPath(new URL("program.ts", import.meta.url))

const ways = [
  { layout: "flat", module: "NodeNext", moduleResolution: "NodeNext" },
  { layout: "flat", module: "Node16", moduleResolution: "Node16" },
  { layout: "strict", module: "Preserve", moduleResolution: "Bundler" }
] as const

const compile = (folder: string, module: string, moduleResolution: string): Promise<string> => {
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
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["src"] }))
  return new Promise((resolve) =>
    execFile(process.execPath, [tsc, "-p", folder], (_, stdout, stderr) => resolve((stdout + stderr).trim()))
  )
}

/** What does not compile, by the way that it was compiled, in a folder that is empty. */
export const checkTypes = async (folder: string, tarballs: ReadonlyArray<Tarball>): Promise<ReadonlyArray<string>> => {
  const names = tarballs.map(({ manifest }) => manifest.name)
  const problems: Array<string> = []
  let everything: string | undefined
  for (const { layout, module, moduleResolution } of ways) {
    const consumer = join(folder, module)
    const src = join(consumer, "src")
    install(consumer, tarballs, layout)
    mkdirSync(src)
    copyFileSync(program, join(src, "program.ts"))
    everything ??= generate(join(src, "probe.ts"), names)
    writeFileSync(join(src, "everything.ts"), everything)
    const output = await compile(consumer, module, moduleResolution)
    if (output !== "") {
      problems.push(`do not compile with ${module}, ${moduleResolution}, ${layout} node_modules:\n${output}`)
    }
  }
  return problems
}
