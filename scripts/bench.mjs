// Builds the packages and bench/ with tsc, and runs the measurements from what it made: what is measured is what is
// published. A loader that compiles on the way would be measured too.

import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url))
const tsc = path("../node_modules/typescript/bin/tsc")

if (!existsSync(tsc)) {
  console.error("The dependencies are not installed: run `npm run setup` first.")
  process.exit(1)
}

const run = (...args) => {
  const { signal, status } = spawnSync(process.execPath, args, { stdio: "inherit" })
  if (signal !== null) process.kill(process.pid, signal)
  if (status !== 0) process.exit(status ?? 1)
}

run(tsc, "-b", path("../bench"))
run("--import", new URL("built.mjs", import.meta.url).href, path("../bench/build/run.js"), ...process.argv.slice(2))
