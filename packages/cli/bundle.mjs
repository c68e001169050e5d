// Puts the command and all that it uses into a few files: it starts in a fraction of the time, and nothing else has to be
// installed. A part that some commands need alone stays in a file of its own.

import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const folder = fileURLToPath(new URL(".", import.meta.url))
const outdir = join(folder, "bundle")

/** The folder of the package that a file belongs to, if it is not of this workspace. @param {string} path */
const packageOf = (path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]

/** The licenses of what is in the files, as they ask for. @param {Iterable<string>} paths */
const licenses = (paths) => {
  const found = new Map()
  for (const path of paths) {
    const of = packageOf(path)
    if (of === undefined) continue
    const { license, name, version } = JSON.parse(readFileSync(join(of, "package.json"), "utf8"))
    const file = readdirSync(of).find((each) => /^(licen[cs]e|copying)/i.test(each))
    const text = file === undefined ? "" : `\n${readFileSync(join(of, file), "utf8").trim()}\n`
    found.set(`${name} ${version}`, `## ${name} ${version} (${license})\n${text}`)
  }
  return [...found.keys()].toSorted().map((name) => found.get(name))
}

const bundle = async () => {
  rmSync(outdir, { recursive: true, force: true })
  const { metafile } = await build({
    absWorkingDir: folder,
    entryPoints: { disco: "src/bin.ts" },
    outdir,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    metafile: true,
    logLevel: "warning",
    // ioredis is CommonJS, and asks for the modules of Node.js by `require`.
    banner: {
      js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);'
    }
  })
  const used = licenses(Object.keys(metafile.inputs).map((path) => join(folder, path)))
  writeFileSync(join(outdir, "THIRD-PARTY.md"), ["# What is in these files, and its licenses\n", ...used].join("\n"))
}

// vitest asks for a function, and calls it before the tests.
export default bundle

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle()
