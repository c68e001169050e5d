import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

/** The command as it is published: it starts in a fraction of the time that its sources take. */
export const script = fileURLToPath(new URL("../../bundle/disco.js", import.meta.url))

/** Starts the command in a process of its own. */
export const start = (args: ReadonlyArray<string>, env: Record<string, string> = {}) => {
  const { INIT_CWD: _, ...own } = process.env
  const child = spawn(process.execPath, [script, ...args], {
    env: { ...own, DISQUE_NODES: "", ...env },
    stdio: ["ignore", "pipe", "pipe"]
  })
  const out = { stdout: "", stderr: "" }
  child.stdout.on("data", (chunk) => (out.stdout += chunk))
  child.stderr.on("data", (chunk) => (out.stderr += chunk))
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
    child.on("close", (code) => resolve({ code, ...out }))
  )
  const shows = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => out.stdout.includes(text) && resolve()
      look()
      child.stdout.on("data", look)
      child.on("close", () => reject(new Error(`it ended, and had said: ${out.stdout}${out.stderr}`)))
    })
  return { child, ended, shows, out }
}
