// Installs the dependencies of the workspace where that is needed, with nothing but Node.js and npm: what `npm run demo`
// and `npm test` call first, so that each of them works as the first command in a fresh clone. A stamp in node_modules
// remembers what was installed; while it still fits, this ends at once and says nothing.

import { createHash } from "node:crypto"
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { constants as os } from "node:os"
import { join } from "node:path"
import { manifest, root, runPnpm, version } from "./pnpm.mjs"

const modules = join(root, "node_modules")
const stamp = join(modules, ".disco-setup")

const fail = (sentence) => {
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}

/** The folders that pnpm-workspace.yaml lists. */
const projects = () =>
  readdirSync(join(root, "packages"))
    .map((name) => join(root, "packages", name))
    .concat(join(root, "examples"), join(root, "bench"))
    .filter((folder) => existsSync(join(folder, "package.json")))

/** A digest of all that decides what has to be installed. */
const digest = (folders) => {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}`)
  const files = ["pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc"].map((name) => join(root, name))
  for (const file of files.concat([root, ...folders].map((folder) => join(folder, "package.json")))) {
    hash.update(`\0${file.slice(root.length)}\0`).update(existsSync(file) ? readFileSync(file) : "")
  }
  return hash.digest("hex")
}

const isInstalled = (folders, wanted) =>
  existsSync(stamp) &&
  readFileSync(stamp, "utf8") === wanted &&
  folders.every((folder) => existsSync(join(folder, "node_modules")))

const checkWritable = (folders) => {
  try {
    mkdirSync(modules, { recursive: true })
    for (const folder of [modules, ...folders]) accessSync(folder, constants.W_OK)
  } catch (error) {
    fail(`The dependencies cannot be installed: "${error.path || modules}" is not writable (${error.code}).`)
  }
}

const explain = (output) => {
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT/.test(output)
  ) {
    return "The dependencies could not be downloaded: the package registry cannot be reached. Is this machine online?"
  }
  if (/ENOSPC/.test(output)) return "The dependencies could not be installed: the disk is full."
  if (/EACCES|EPERM|EROFS/.test(output)) return "The dependencies could not be installed: a folder is not writable."
  if (/ERR_PNPM_OUTDATED_LOCKFILE/.test(output)) {
    return "The dependencies could not be installed: pnpm-lock.yaml does not fit the package.json files (`pnpm install` updates it)."
  }
  return "The dependencies could not be installed: the output of pnpm above says why."
}

const install = async () => {
  process.stdout.write(
    `Installing dependencies with pnpm ${version} (${existsSync(stamp) ? "they changed" : "first run only"})…\n`
  )
  const result = await runPnpm([
    "install",
    "--frozen-lockfile",
    "--prod=false", // whatever NODE_ENV says: nothing runs here without the tools
    "--reporter=append-only",
    "--loglevel=info", // whatever `npm --silent` says: the output is kept, and shown on failure
    "--config.confirm-modules-purge=false" // an installation that was broken off is taken up without asking
  ])
  if (result.ended) {
    process.stderr.write("The installation was stopped; the next run takes it up again.\n")
    process.exit(128 + os.signals[result.ended])
  }
  if (result.code !== 0) fail(`${result.output}\n\n${explain(result.output)}`)
}

const main = async () => {
  const oldest = Number(/\d+/.exec(manifest.engines.node)[0])
  if (Number(process.versions.node.split(".")[0]) < oldest) {
    fail(`Node.js ${oldest} or newer is needed; this is ${process.version}.`)
  }
  const folders = projects()
  const wanted = digest(folders)
  if (isInstalled(folders, wanted)) return
  checkWritable(folders)
  await install()
  // Scripts start their program with `exec`, so that it gets the signals sent to npm or pnpm. cmd.exe has no such word.
  if (process.platform === "win32") writeFileSync(join(modules, ".bin", "exec.cmd"), "@%*\r\n")
  writeFileSync(stamp, wanted)
}

main().catch((error) =>
  fail(
    error.code === "ENOENT" && /npm/.test(error.path || "")
      ? "npm was not found: it comes with Node.js, and is needed to install the dependencies."
      : `The dependencies could not be installed: ${error.message}.`
  )
)
