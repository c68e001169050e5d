// Builds the packages and packs them as they would be published, into a folder: `npm run pack -- /tmp/disco`. A program installs the
// files with npm. They are packed by pnpm, because npm leaves `workspace:` and the TypeScript sources of `exports` as they are.

import { spawnSync } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync } from "node:fs"
import { resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { pnpm } from "./pnpm.mjs"

const root = fileURLToPath(new URL("../", import.meta.url))
const [folder] = process.argv.slice(2)
if (folder === undefined) {
  console.error("To which folder? npm run pack -- /tmp/disco")
  process.exit(2)
}
// npm runs scripts at the root, and tells where it was called.
const destination = resolve(process.env.INIT_CWD ?? ".", folder)
mkdirSync(destination, { recursive: true })

/** @param {string} command */
const run = (command) => {
  const { error, status } = spawnSync(command, {
    cwd: root,
    env: { ...process.env, DESTINATION: destination },
    shell: true,
    stdio: ["inherit", "ignore", "inherit"]
  })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

console.log("Building the packages…")
run("npx tsc -b")
const names = readdirSync(new URL("../packages/", import.meta.url)).map(
  (name) => JSON.parse(readFileSync(new URL(`../packages/${name}/package.json`, import.meta.url), "utf8")).name
)
run(
  `${pnpm} --recursive ${names.map((name) => `--filter=${name}`).join(" ")} pack --pack-destination=${JSON.stringify(destination)}`
)
console.log(`The packages are in ${destination}:`)
for (const file of readdirSync(destination).toSorted()) console.log(`  ${file}`)
