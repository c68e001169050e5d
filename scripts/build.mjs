// Builds what is published: packages/*/dist, JavaScript and types, by one `tsc -b`. What an earlier build left there of
// sources that are gone is removed, so that it cannot get into a package.

import { spawnSync } from "node:child_process"
import { existsSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const packages = fileURLToPath(new URL("../packages", import.meta.url))
const tsc = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url))
const output = /\.(js|d\.ts)(\.map)?$/

const folders = readdirSync(packages)
  .map((name) => join(packages, name))
  .filter((folder) => existsSync(join(folder, "tsconfig.src.json")))

for (const folder of folders) {
  const dist = join(folder, "dist")
  if (!existsSync(dist)) continue
  for (const file of readdirSync(dist, { recursive: true })) {
    if (output.test(file) && !existsSync(join(folder, "src", file.replace(output, ".ts")))) rmSync(join(dist, file))
  }
}

const color = process.stdout.isTTY || process.env.FORCE_COLOR ? ["--pretty"] : []
const projects = folders.map((folder) => join(folder, "tsconfig.src.json"))
const result = spawnSync(process.execPath, [tsc, "-b", ...color, ...projects], { stdio: "inherit" })
process.exitCode = result.status ?? 1
