// How to start the pnpm that package.json pins, on a machine that has Node.js and npm: by itself when it is what runs
// this, else through the npm that runs this, else through the npm on the PATH.

import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { basename, dirname } from "node:path"
import { fileURLToPath } from "node:url"

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
export const version = /^pnpm@([^+]+)/.exec(manifest.packageManager)[1]

/** Two retries that end within a dozen seconds: a machine without a network should hear of it soon. */
const retries = { "fetch-retry-mintimeout": "1000", "fetch-retry-maxtimeout": "10000" }

const options = (prefix) => Object.keys(retries).map((name) => `${prefix}${name}=${retries[name]}`)

const commandLine = (args) => {
  const runner = process.env.npm_execpath || ""
  const isScript = /\.c?js$/.test(runner)
  const pnpm = args.concat(options("--config."))
  if (isScript && (process.env.npm_config_user_agent || "").startsWith(`pnpm/${version} `)) {
    return [process.execPath, [runner, ...pnpm]]
  }
  // Errors are wanted even under `npm --silent`: they are what is shown when it fails.
  const npm = ["exec", "--yes", "--loglevel=error", "--prefer-offline", "--no-update-notifier", ...options("--")]
  npm.push(`--package=pnpm@${version}`, "--", "pnpm", ...pnpm)
  return isScript && basename(runner) === "npm-cli.js" ? [process.execPath, [runner, ...npm]] : ["npm", npm]
}

/**
 * Runs pnpm at the root of the workspace, and keeps its output. Fulfilled with `{ code, output }`, or `{ ended }` where a
 * signal to this process, passed on to all of them, ended it.
 */
export const runPnpm = (args) =>
  new Promise((resolve, reject) => {
    const windows = process.platform === "win32"
    const [command, rest] = commandLine(args)
    const child = spawn(command, rest, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      detached: !windows, // a process group of its own, so that a signal reaches npm and pnpm alike
      shell: windows && command === "npm", // it is a .cmd file there
      windowsHide: true
    })
    const chunks = []
    child.stdout.on("data", (chunk) => chunks.push(chunk))
    child.stderr.on("data", (chunk) => chunks.push(chunk))

    let ended
    const end = (signal) => {
      ended = signal
      try {
        if (windows) child.kill()
        else process.kill(-child.pid, signal)
      } catch {
        // it has ended already
      }
    }
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"]
    for (const signal of signals) process.on(signal, end)

    child.on("error", reject)
    child.on("close", (code, signal) => {
      // A signal that ended it may come again, passed on by npm, and must not end this before it has said so.
      if (ended === undefined) for (const name of signals) process.off(name, end)
      resolve({ code, ended: ended || signal, output: Buffer.concat(chunks).toString("utf8").trim() })
    })
  })
