// Builds the packages, packs them as they would be published, and checks the tarballs: with publint, with attw (for ESM:
// CommonJS is not offered), and for what neither of these knows. Then compiles programs that use the packages, loads the
// packages beside the Effect that they need, and beside a later one, and runs the command. The smallest programs run on this
// Node.js, and on those that `--node 22,24` names.

import { execFile, execSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { checkCommand } from "./consumer/command.js"
import { checkDependencies } from "./consumer/dependencies.js"
import { checkEffects } from "./consumer/effects.js"
import { checkRuns, nodeOf } from "./consumer/runs.js"
import { checkSizes } from "./consumer/sizes.js"
import { type Manifest, readTarball, type Tarball } from "./consumer/tarball.js"
import { checkTypes } from "./consumer/types.js"
import { pnpm } from "./pnpm.mjs"

const root = fileURLToPath(new URL("..", import.meta.url))

const { values: options } = parseArgs({ options: { node: { type: "string" }, write: { type: "boolean" } } })

const published =
  /^(dist\/.*\.(js|d\.ts)(\.map)?|src\/.*(?<!\.test)\.ts|bundle\/([^/]+\.js|THIRD-PARTY\.md)|app\/([^/]+\.(js|css|html|svg)|THIRD-PARTY\.md)|package\.json|(README|CHANGELOG)\.md|LICENSE)$/

const isCommand = ({ manifest }: Tarball): boolean => manifest.bin !== undefined

const checkContents = (tarball: Tarball): ReadonlyArray<string> => {
  const { files, manifest } = tarball
  const problems: Array<string> = []
  const has = (path: string): boolean => files.has(path.replace(/^\.\//, ""))
  for (const name of ["LICENSE", "README.md"]) if (!has(name)) problems.push(`holds no ${name}`)
  for (const name of files.keys()) {
    if (!published.test(name)) {
      problems.push(`holds ${name}, which is not to be published`)
    }
  }
  if (!isCommand(tarball) && (manifest.dependencies?.effect ?? !manifest.peerDependencies?.effect)) {
    problems.push("has effect not as a peer dependency: a program must have one effect, that of its own")
  }
  for (const [entry, target] of Object.entries(manifest.exports)) {
    if (/internal\/|\*/.test(entry)) problems.push(`exports ${entry}: a folder is not to be imported from`)
    for (const path of typeof target === "string" ? [target] : Object.values(target)) {
      if (!has(path)) problems.push(`exports ${path}, which it does not hold`)
    }
  }
  return problems
}

const checkWithPublint = async ({ files }: Tarball): Promise<ReadonlyArray<string>> => {
  const list = Array.from(files, ([name, data]) => ({ name: `/${name}`, data }))
  const { messages, pkg } = await publint({ pkgDir: "/", pack: { files: list }, strict: true })
  return messages.map((message) => `publint: ${formatMessage(message, pkg)}`)
}

const attw = fileURLToPath(new URL("../node_modules/@arethetypeswrong/cli/dist/index.js", import.meta.url))

const checkWithAttw = (path: string): Promise<ReadonlyArray<string>> =>
  new Promise((resolve) => {
    const args = [attw, "--profile", "esm-only", "--format", "ascii", "--no-color", "--no-emoji", path]
    execFile(process.execPath, args, (error, stdout, stderr) =>
      resolve(error === null ? [] : [`attw:\n${(stdout + stderr).trim()}`])
    )
  })

const report = (subject: string, problems: ReadonlyArray<string>): void => {
  console.log(`${problems.length === 0 ? "✓" : "✗"} ${subject}`)
  for (const problem of problems) console.log(`  ${problem.replace(/\n/g, "\n  ")}`)
  if (problems.length > 0) process.exitCode = 1
}

const run = (command: string, failure: string): void => {
  try {
    execSync(command, { cwd: root, encoding: "utf8", stdio: "pipe" })
  } catch (error) {
    const { stderr, stdout } = error as { readonly stderr: string; readonly stdout: string }
    console.error(`${stdout}${stderr}\n${failure}`)
    process.exit(1)
  }
}

const folders = readdirSync(join(root, "packages"))

// What an earlier build made of sources that are gone must not get into a package.
for (const folder of folders) {
  const dist = join(root, "packages", folder, "dist")
  const files = existsSync(dist) ? readdirSync(dist, { encoding: "utf8", recursive: true }) : []
  for (const file of files) {
    const source = join(dist, "../src", file.replace(/\.(js|d\.ts)(\.map)?$/, ".ts"))
    if (/\.(js|ts|map)$/.test(file) && !existsSync(source)) rmSync(join(dist, file))
  }
}
run("tsc -b", "The packages do not compile.")

const destination = mkdtempSync(join(tmpdir(), "disco-packages-"))
process.on("exit", () => rmSync(destination, { recursive: true, force: true }))
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => setImmediate(() => process.exit(1)))

// By name, because pnpm reads paths as patterns: a clone in a folder with brackets in its name would have no packages.
const names = folders.map((folder) => {
  const manifest: Manifest = JSON.parse(readFileSync(join(root, "packages", folder, "package.json"), "utf8"))
  return `--filter=${manifest.name}`
})
run(
  `${pnpm} --recursive ${names.join(" ")} pack "--pack-destination=${destination}"`,
  "The packages could not be packed."
)

const paths = readdirSync(destination)
  .toSorted()
  .map((name) => join(destination, name))
if (paths.length !== folders.length) throw new Error(`Not every package was packed: there are ${paths.join(", ")}.`)
const tarballs = await Promise.all(paths.map(readTarball))
const problems = tarballs.map(async (tarball) => [
  ...checkContents(tarball),
  ...checkDependencies(tarball),
  ...(await checkWithPublint(tarball)),
  // Nobody imports a command.
  ...(isCommand(tarball) ? [] : await checkWithAttw(tarball.path))
])
for (const [i, { manifest }] of tarballs.entries()) report(manifest.name, (await problems[i]) ?? [])

const libraries = tarballs.filter((tarball) => !isCommand(tarball))
report("programs that use them", await checkTypes(join(destination, "consumers"), libraries))
report("programs beside Effect 3, and beside Effect 4", await checkEffects(join(destination, "effects"), libraries))
for (const version of ["", ...(options.node?.split(",") ?? [])]) {
  const node = version === "" ? process.execPath : await nodeOf(version)
  const folder = join(destination, `runs-${version}`)
  report(`programs on Node.js ${version || process.version}`, await checkRuns(folder, tarballs, node))
}
report("the command, by npx", await checkCommand(join(destination, "command"), tarballs.filter(isCommand)))
report(
  "their sizes, as docs/sizes.md says",
  await checkSizes(join(destination, "sizes"), tarballs, options.write === true)
)
