// Puts the command and all that it uses into a few files: it starts in a fraction of the time, and nothing else has to be
// installed. A part that some commands need alone stays in a file of its own.

import { execFileSync } from "node:child_process"
import { cpSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { writeLicenses } from "../../scripts/licenses.mjs"

const folder = fileURLToPath(new URL(".", import.meta.url))
const outdir = join(folder, "bundle")

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
  const inputs = Object.keys(metafile.inputs).map((path) => join(folder, path))
  writeLicenses(outdir, inputs)
  // The server of the dashboard looks for its page beside the folder that it is in.
  execFileSync(process.execPath, [join(folder, "../dashboard/bundle.mjs")], { stdio: "inherit" })
  const app = join(folder, "app")
  rmSync(app, { recursive: true, force: true })
  cpSync(join(folder, "../dashboard/app"), app, { recursive: true })
}

// vitest asks for a function, and calls it before the tests.
export default bundle

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle()
