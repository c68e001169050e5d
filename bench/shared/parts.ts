/** The parts of a program that time and memory are counted for. */
import type { Runtime } from "node:inspector/promises"

export const parts = ["waits", "sockets", "collector", "Node.js", "Effect", "core", "node", "funnel", "others"] as const

export type Part = (typeof parts)[number]

const special: Record<string, Part> = {
  "(idle)": "waits",
  "(garbage collector)": "collector",
  "(program)": "Node.js",
  "(root)": "Node.js"
}

/** The part that a function belongs to; undefined for that of its caller. */
export const partOfFrame = ({ functionName, url }: Runtime.CallFrame): Part | undefined => {
  const named = special[functionName]
  if (named !== undefined) return named
  // Functions of V8 and system calls count for their caller.
  if (url === "") return undefined
  if (url.startsWith("node:")) return /net|stream|tls|readable|writable/.test(url) ? "sockets" : "Node.js"
  if (/\/node_modules\/(@effect\/[^/]+|effect)\//.test(url)) return "Effect"
  const ours = /\/packages\/(core|node|funnel)\//.exec(url)?.[1]
  return ours === undefined ? "others" : (ours as Part)
}
