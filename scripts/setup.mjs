// Installs the dependencies of the workspace with nothing but Node.js and npm, and builds the page of the dashboard: `npm run demo`
// and `npm test` start with it, so that each of them works as the first command in a fresh clone. It ends at once where that is done
// already: pnpm keeps a copy of the lockfile, which it writes last.

import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { pnpm } from "./pnpm.mjs"

const root = new URL("../", import.meta.url)
/** @param {string} path */
const read = (path) => readFileSync(new URL(path, root), "utf8")
const installed = "node_modules/.pnpm/lock.yaml"

/** @param {string} sentence */
const fail = (sentence) => {
  console.error(sentence)
  process.exit(1)
}

/** @type {ReadonlyArray<readonly [RegExp, string]>} */
const reasons = [
  [
    /ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|E(NET|HOST)UNREACH|ERR_SOCKET_TIMEOUT/,
    "the package registry cannot be reached"
  ],
  [/ENOSPC/, "the disk is full"],
  [/EACCES|EPERM|EROFS/, "a folder is not writable"],
  [/ERR_PNPM_OUTDATED_LOCKFILE/, "pnpm-lock.yaml does not fit the package.json files (`pnpm install` updates it)"],
  [/npm: (command )?not found|'npm' is not recognized/, "npm was not found, which comes with Node.js"]
]

const oldest = Number(/\d+/.exec(JSON.parse(read("package.json")).engines.node)?.[0])
if (Number.parseInt(process.versions.node, 10) < oldest) {
  fail(`Node.js ${oldest} or newer is needed; this is ${process.version}.`)
}

if (!existsSync(new URL(installed, root)) || read(installed) !== read("pnpm-lock.yaml")) {
  console.log("Installing dependencies…")
  const { output, status } = spawnSync(
    // Whatever NODE_ENV and `npm --silent` say: nothing runs without the tools, and the output is shown if it fails.
    `${pnpm} install --frozen-lockfile --prod=false --reporter=append-only --loglevel=info --config.confirm-modules-purge=false`,
    { cwd: fileURLToPath(root), encoding: "utf8", shell: true, maxBuffer: Number.POSITIVE_INFINITY }
  )
  if (status !== 0) {
    const text = output.join("").trim()
    const reason = reasons.find(([pattern]) => pattern.test(text))?.[1] ?? "the output above says why"
    fail(`${text}\n\nThe dependencies could not be installed: ${reason}.`)
  }
  // The scripts of package.json start programs with `exec`, so that these get the signals. cmd.exe has no such word.
  if (process.platform === "win32") writeFileSync(new URL("node_modules/.bin/exec.cmd", root), "@%*\r\n")
}

const { default: bundle } = await import("../packages/dashboard/bundle.mjs")
await bundle().catch((/** @type {unknown} */ error) => fail(`The page of the dashboard could not be built: ${error}`))
