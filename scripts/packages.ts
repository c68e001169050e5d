// Packs every package of packages/ as it would be published, and checks the tarballs: with publint, with attw (for ESM:
// CommonJS is not offered), and for what neither of them knows. Then compiles programs that use them, and loads them
// beside the Effect that they need, and beside a later one.

import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gunzipSync } from "node:zlib"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { checkTypes } from "./consumer/check.mjs"
import { checkEffects } from "./consumer/effects.mjs"
import { root, runPnpm } from "./pnpm.mjs"

const require = createRequire(import.meta.url)
const attwManifest = require.resolve("@arethetypeswrong/cli/package.json")
const attw = join(attwManifest, "..", require(attwManifest).bin.attw)

/** The files of an npm tarball by name, without their leading `package/`. */
const readTarball = (bytes) => {
  const tar = gunzipSync(bytes)
  const text = (from, length) => tar.toString("utf8", from, from + length).replace(/\0.*$/s, "")
  const files = new Map()
  let longName
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12), 8)
    const type = String.fromCharCode(tar[at + 156])
    const content = tar.subarray(at + 512, at + 512 + size)
    if (type === "x") {
      longName = /\d+ path=(.*)\n/.exec(content.toString("utf8"))?.[1]
    } else {
      const prefix = text(at + 345, 155)
      const name = longName ?? (prefix === "" ? text(at, 100) : `${prefix}/${text(at, 100)}`)
      if (type === "0") files.set(name.replace(/^package\//, ""), content)
      longName = undefined
    }
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}

const manifestOf = (files) => JSON.parse(files.get("package.json")?.toString("utf8") ?? "{}")

const isProgram = (files) => manifestOf(files).bin !== undefined

const checkContents = (files) => {
  const problems = []
  const manifest = manifestOf(files)
  for (const name of ["LICENSE", "README.md"]) if (!files.has(name)) problems.push(`holds no ${name}`)
  for (const name of files.keys()) {
    if (
      !/^(dist\/.*\.(js|d\.ts)(\.map)?|src\/.*\.ts|package\.json|README\.md|LICENSE)$/.test(name) ||
      /\.test\./.test(name)
    ) {
      problems.push(`holds ${name}, which is not to be published`)
    }
  }
  for (const field of ["dependencies", "peerDependencies", "devDependencies", "optionalDependencies"]) {
    for (const [name, range] of Object.entries(manifest[field] ?? {})) {
      if (/^(workspace|link|file):/.test(range))
        problems.push(`${field} has ${name}@${range}, which nobody can install`)
    }
  }
  if (
    !isProgram(files) &&
    (manifest.dependencies?.effect !== undefined || manifest.peerDependencies?.effect === undefined)
  ) {
    problems.push("has effect not as a peer dependency: a program must have one effect, that of its own")
  }
  const targets = Object.entries(manifest.exports ?? {})
  if (!targets.some(([entry]) => entry === ".")) problems.push("exports no entry point")
  for (const [entry, target] of targets) {
    if (/internal|\*/.test(entry)) problems.push(`exports ${entry}: nothing internal is to be imported`)
    for (const path of typeof target === "string" ? [target] : Object.values(target)) {
      if (!files.has(path.replace(/^\.\//, ""))) problems.push(`exports ${path}, which it does not hold`)
    }
  }
  for (const [name, path] of Object.entries(manifest.bin ?? {})) {
    const first = files.get(path.replace(/^\.\//, ""))?.toString("utf8").split("\n", 1)[0]
    if (first === undefined) problems.push(`has the command ${name} at ${path}, which it does not hold`)
    else if (first !== "#!/usr/bin/env node") problems.push(`has no "#!/usr/bin/env node" at the top of ${path}`)
  }
  return problems
}

const checkWithPublint = async (bytes) => {
  const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true })
  return messages.map((message) => `publint: ${formatMessage(message, pkg)}`)
}

const checkWithAttw = (path) =>
  new Promise((resolve, reject) => {
    const args = [attw, "--profile", "esm-only", "--format", "ascii", "--no-color", "--no-emoji", path]
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    child.stdout.on("data", (chunk) => (output += chunk))
    child.stderr.on("data", (chunk) => (output += chunk))
    child.on("error", reject)
    child.on("close", (code) => resolve(code === 0 ? [] : [`attw:\n${output.trim()}`]))
  })

const check = async (path) => {
  const bytes = readFileSync(path)
  return [...checkContents(readTarball(bytes)), ...(await checkWithPublint(bytes)), ...(await checkWithAttw(path))]
}

const build = spawnSync(process.execPath, [fileURLToPath(new URL("build.mjs", import.meta.url))], { stdio: "inherit" })
if (build.status !== 0) process.exit(1)

const folder = mkdtempSync(join(tmpdir(), "disco-packages-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => setImmediate(() => process.exit(1)))

// By name, because pnpm reads paths as patterns: a clone in a folder with brackets in its name would have no packages.
const manifests = readdirSync(join(root, "packages")).map((name) => join(root, "packages", name, "package.json"))
const filters = manifests.map((path) => `--filter=${JSON.parse(readFileSync(path, "utf8")).name}`)
const packed = await runPnpm(["--recursive", ...filters, "pack", `--pack-destination=${folder}`])
if (packed.code !== 0) {
  console.error(`${packed.output}\n\nThe packages could not be packed: the output of pnpm above says why.`)
  process.exit(1)
}

const tarballs = readdirSync(folder).sort()
const expected = readdirSync(join(root, "packages")).length
if (tarballs.length !== expected) {
  console.error(`${expected} packages were to be packed, and ${tarballs.length} were: ${tarballs.join(", ")}.`)
  process.exit(1)
}

const results = new Map()
const waiting = [...tarballs]
const work = async () => {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    results.set(name, await check(join(folder, name)))
  }
}
await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work))

const report = (what, problems) => {
  console.log(`${problems.length === 0 ? "✓" : "✗"} ${what}`)
  for (const problem of problems) console.log(`  ${problem.replace(/\n/g, "\n  ")}`)
  if (problems.length > 0) process.exitCode = 1
}

for (const name of tarballs) report(name, results.get(name))

const libraries = tarballs
  .map((name) => readTarball(readFileSync(join(folder, name))))
  .filter((files) => !isProgram(files))
report("programs that use them", await checkTypes(join(folder, "consumers"), libraries))
report("programs beside Effect 3, and beside Effect 4", await checkEffects(join(folder, "effects"), libraries))
