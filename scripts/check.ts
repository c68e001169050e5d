// Runs the scripts of package.json that are named, each whatever came of the one before. Of a `check:…` it shows one line if it
// passes and its output if it fails; the others show their output as it comes.

import { type ChildProcess, spawn } from "node:child_process"
import { constants } from "node:os"
import { fileURLToPath } from "node:url"
import manifest from "../package.json" with { type: "json" }

const root = fileURLToPath(new URL("..", import.meta.url))
const scripts: Readonly<Record<string, string>> = manifest.scripts
const isWindows = process.platform === "win32"

// Vite, which runs the tests, and dependency-cruiser take paths for URLs.
const bad = /[#%?*]/.exec(root)?.[0]
if (bad !== undefined) {
  console.error(`The checks cannot run in "${root}": its path has a "${bad}". Move or clone it elsewhere.`)
  process.exit(1)
}

/** Sends a signal to all processes of a script: the workers of vitest would outlive vitest. */
const kill = ({ pid }: ChildProcess, signal: NodeJS.Signals): void => {
  try {
    if (pid !== undefined) process.kill(isWindows ? pid : -pid, signal)
  } catch {
    // they have ended already
  }
}

let running: ChildProcess | undefined
let ended: NodeJS.Signals | undefined
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    ended = signal
    if (running !== undefined) kill(running, signal)
  })
}

const run = (
  script: string,
  stdout: "pipe" | "inherit"
): Promise<{ readonly passed: boolean; readonly output: string }> =>
  new Promise((resolve, reject) => {
    const child = spawn(script, { cwd: root, shell: true, stdio: ["ignore", stdout, stdout], detached: !isWindows })
    running = child
    let output = ""
    child.stdout?.on("data", (chunk) => (output += chunk))
    child.stderr?.on("data", (chunk) => (output += chunk))
    child.on("error", reject)
    child.on("exit", () => ended !== undefined && kill(child, "SIGKILL"))
    child.on("close", (code) => resolve({ passed: code === 0, output: output.trim() }))
  })

const failed: Array<string> = []
for (const name of process.argv.slice(2)) {
  const isCheck = name.startsWith("check:")
  const start = performance.now()
  const { output, passed } = await run(
    scripts[name] ?? `echo "package.json has no script ${name}."; exit 1`,
    isCheck ? "pipe" : "inherit"
  )
  if (ended !== undefined) process.exit(128 + constants.signals[ended])
  if (!passed) failed.push(name)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  if (isCheck) console.log(`${passed ? "✓" : "✗"} ${name} (${seconds} s)${passed ? "" : `\n\n${output}\n`}`)
}

if (failed.length > 0) {
  console.error(`Failed: ${failed.join(", ")}.`)
  process.exitCode = 1
}
