// Runs the packed command in an empty folder, as `npx` does.

import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process"
import { chmodSync, mkdirSync, symlinkSync } from "node:fs"
import { dirname, join } from "node:path"
import { install } from "./install.js"
import type { Tarball } from "./tarball.js"

interface Ended {
  readonly status: number | string
  readonly stdout: string
  readonly stderr: string
}

/** What a start may take on a machine that does other things, in ms. */
const patience = 60_000

/** How many times as long as an empty program the command may take to start. It is 6 where nothing else runs: 250 ms against 40. */
const mostStarts = 10

/** The shortest time that a program took to end, of ten, in ms. */
const bestTime = (args: ReadonlyArray<string>): number => {
  const times = Array.from({ length: 10 }, () => {
    const begun = performance.now()
    execFileSync(process.execPath, args, { stdio: "ignore" })
    return performance.now() - begun
  })
  return Math.min(...times)
}

const run = (cwd: string, args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const { DISQUE_NODES: _, ...own } = process.env
    // It is here, and nothing is to be downloaded in its place.
    execFile(
      "npx",
      ["--no", "--", "@disco/cli", ...args],
      { cwd, env: { ...own, ...env }, shell: process.platform === "win32", timeout: patience },
      (error, stdout, stderr) => resolve({ status: error === null ? 0 : (error.code ?? "killed"), stdout, stderr })
    )
  })

/** Starts a command that goes on, and gives what it shows of this form. */
const launch = (
  folder: string,
  args: ReadonlyArray<string>,
  form: RegExp,
  env: NodeJS.ProcessEnv = {}
): Promise<readonly [ChildProcess, string]> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let said = ""
    const listen = (chunk: Buffer) => {
      said += chunk
      const [, found] = form.exec(said) ?? []
      if (found !== undefined) resolve([child, found])
    }
    child.stdout.on("data", listen)
    child.stderr.on("data", listen)
    child.on("close", () => reject(new Error(said)))
    setTimeout(() => child.kill(), patience).unref()
  })

/** What the command does not do that it should, in a folder that has the packages and nothing else. */
export const checkCommand = async (
  folder: string,
  tarballs: ReadonlyArray<Tarball>
): Promise<ReadonlyArray<string>> => {
  const cli = tarballs.find(({ manifest }) => manifest.name === "@disco/cli")
  const path = cli?.manifest.bin?.disco
  if (path === undefined) return ["there is no command disco"]
  install(folder, tarballs, "strict")
  const bin = join(folder, "node_modules/@disco/cli", path)
  const link = join(folder, "node_modules/.bin/disco")
  mkdirSync(dirname(link), { recursive: true })
  symlinkSync(bin, link)
  chmodSync(bin, 0o755)
  const problems: Array<string> = []
  const expect = async (args: ReadonlyArray<string>, stdout: RegExp, env?: NodeJS.ProcessEnv) => {
    const ended = await run(folder, args, env)
    if (ended.status === 0 && stdout.test(ended.stdout)) return
    problems.push(`npx @disco/cli ${args.join(" ")} ends with ${ended.status}:\n${ended.stdout}${ended.stderr}`)
  }
  await expect(["--version"], new RegExp(`^${cli?.manifest.version}\\n$`))
  await expect(["--help"], /\bqueues\b/)
  const [start, empty] = [bestTime([bin, "--version"]), bestTime(["--eval", "0"])]
  if (start > empty * mostStarts) {
    problems.push(`disco --version takes ${start.toFixed()} ms, and an empty program ${empty.toFixed()} ms`)
  }
  const children: Array<ChildProcess> = []
  try {
    const [node, DISQUE_NODES] = await launch(folder, [bin, "dev", "--port", "0"], /DISQUE_NODES=(\S+)/)
    children.push(node)
    await expect(["add", "greetings", "hello"], /^D-\S{38}\n$/, { DISQUE_NODES })
    await expect(["queues"], /\bgreetings +1\b/, { DISQUE_NODES })
    const [dashboard, address] = await launch(folder, [bin, "dashboard", "--port", "0"], /(http:\S+)/, { DISQUE_NODES })
    children.push(dashboard)
    for (const [path, form] of [
      ["", /<title>/],
      ["app.js", /./],
      ["api/queues", /\bgreetings\b/]
    ] as const) {
      const text = await fetch(address + path).then((response) => response.text())
      if (!form.test(text)) problems.push(`${path || "the page"} of the dashboard is ${text.slice(0, 200)}`)
    }
  } catch (error) {
    problems.push(`a command does not start:\n${error instanceof Error ? error.message : error}`)
  } finally {
    for (const child of children) {
      child.removeAllListeners("close")
      child.kill()
    }
  }
  return problems
}
