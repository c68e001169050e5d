/** The processes of the machine, as far as the platform tells. */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"

/** What Node.js, Bun and Deno have. */
interface Platform {
  readonly pid: number
  readonly kill: (pid: number, signal: 0) => unknown
}

const platform = (): Platform | undefined => (globalThis as { readonly process?: Platform }).process

/** The number of this process; 0 where there is none. */
export const ownPid = (): number => platform()?.pid ?? 0

/** Whether a process of this number runs. Where that cannot be told, it does. */
export const isAlive = (pid: number): boolean => {
  try {
    platform()?.kill(pid, 0)
    return true
  } catch (error) {
    // A process of somebody else cannot be signaled, but is there.
    return (error as { readonly code?: string }).code !== "ESRCH"
  }
}

/** When a process began, in units of the system; empty where the system does not tell. */
export const startOf = (fs: FileSystem.FileSystem, pid: number): Effect.Effect<string> =>
  fs.readFileString(`/proc/${pid}/stat`).pipe(
    // The name of the program is in parentheses, and may have spaces and parentheses.
    Effect.map((stat) => stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? ""),
    Effect.orElseSucceed(() => "")
  )
