// Runs the checks that are named on the command line, all of them unless some are, and says for each how it went: a line
// where it passed, its output where it did not. A check that fails does not keep the others from being run.

import { spawn } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { constants as os } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const tool = (path) => fileURLToPath(new URL(`../node_modules/${path}`, import.meta.url))

const checks = {
  types: { what: "the types fit", run: [tool("typescript/bin/tsc"), "-b"], color: "--pretty" },
  lint: { what: "formatted and linted", run: [tool("@biomejs/biome/bin/biome"), "check"], color: "--colors=force" },
  imports: {
    what: "imports run one way",
    run: [
      tool("dependency-cruiser/bin/dependency-cruise.mjs"),
      "--config",
      ".dependency-cruiser.mjs",
      "--output-type",
      "err-long",
      "packages",
      "examples",
      "bench"
    ]
  },
  docs: {
    what: "docs/commands.md says what the commands are",
    run: [fileURLToPath(new URL("docs.mjs", import.meta.url)), "--check"]
  },
  packages: {
    what: "fit to be published",
    needs: "types", // it would say the same again
    run: [fileURLToPath(new URL("check-packages.mjs", import.meta.url))]
  },
  tests: { what: "the tests pass", run: [tool("vitest/vitest.mjs"), "run"], live: true }
}

const names = process.argv.slice(2)
const unknown = names.find((name) => checks[name] === undefined)
if (unknown !== undefined) {
  console.error(`There is no check "${unknown}"; there are ${Object.keys(checks).join(", ")}.`)
  process.exit(1)
}

const fail = (sentence) => {
  console.error(sentence)
  process.exit(1)
}

// Vite, which runs the tests, and dependency-cruiser take paths for URLs.
const bad = /[#%?*]/.exec(root)?.[0]
if (bad !== undefined) fail(`The checks cannot run in "${root}": its path has a "${bad}". Move or clone it elsewhere.`)

try {
  accessSync(join(root, "node_modules"), constants.W_OK)
} catch ({ code }) {
  fail(
    code === "ENOENT"
      ? "The dependencies are not installed: run `npm run setup` first."
      : `The checks cannot run in "${root}": it may not be written to (${code}).`
  )
}

const color = process.stdout.isTTY === true && process.env.NO_COLOR === undefined

const windows = process.platform === "win32"

/** Sends a signal to a check and to all that it started: the workers of vitest would outlive it. */
const kill = (child, signal) => {
  try {
    if (windows) child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch {
    // they have ended already
  }
}

let running
let ended
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    ended = signal
    if (running !== undefined) kill(running, signal)
  })
}

const run = (check) =>
  new Promise((resolve, reject) => {
    const args = color && check.color !== undefined ? [...check.run, check.color] : check.run
    const out = check.live ? "inherit" : "pipe"
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", out, out], detached: !windows })
    running = child
    const output = []
    child.stdout?.on("data", (chunk) => output.push(chunk))
    child.stderr?.on("data", (chunk) => output.push(chunk))
    child.on("error", reject)
    child.on("exit", () => {
      if (ended !== undefined) kill(child, "SIGKILL")
    })
    child.on("close", (code) => resolve({ passed: code === 0, output: Buffer.concat(output).toString("utf8").trim() }))
  })

const failed = []
for (const name of names.length > 0 ? names : Object.keys(checks)) {
  if (failed.includes(checks[name].needs)) {
    console.log(`${name.padEnd(8)} – not checked: ${checks[name].needs} failed`)
    continue
  }
  const start = process.hrtime.bigint()
  const result = await run(checks[name])
  if (ended !== undefined) process.exit(128 + os.signals[ended])
  if (!result.passed) failed.push(name)
  if (checks[name].live) continue
  const seconds = (Number(process.hrtime.bigint() - start) / 1e9).toFixed(1)
  console.log(`${name.padEnd(8)} ${result.passed ? `✓ ${checks[name].what}` : "✗"} (${seconds} s)`)
  if (!result.passed) console.log(`\n${result.output}\n`)
}

if (failed.length > 0) {
  console.error(`Failed: ${failed.join(", ")}.`)
  process.exitCode = 1
}
