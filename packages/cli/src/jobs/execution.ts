/** Runs a command of the shell for a job, with the body on its standard input. */
import { type ChildProcess, spawn } from "node:child_process"
import type { Job } from "@disco/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** How a command ended: by its status, by a signal, or because it could not be started. */
export interface Ended {
  readonly isDone: boolean
  readonly text: string
}

/** How long a command may take to end once it is told to, in ms. */
const endsWithin = 1000

const environmentOf = (job: Job.Job): Record<string, string> => ({
  DISCO_JOB_ID: job.id,
  DISCO_QUEUE: job.queue,
  DISCO_NODE: job.node,
  DISCO_NACKS: String(job.nacks),
  DISCO_ADDITIONAL_DELIVERIES: String(job.additionalDeliveries)
})

const isWindows = process.platform === "win32"

const start = (command: string, job: Job.Job, hasOutput: boolean) =>
  Effect.sync(() => {
    const child = spawn(command, {
      shell: true,
      // A group of its own: Ctrl-C is for this process, which ends the command and what it has started.
      detached: !isWindows,
      env: { ...process.env, ...environmentOf(job) },
      stdio: ["pipe", hasOutput ? "inherit" : 2, "inherit"]
    })
    const ended = new Promise<Ended>((resolve) => {
      child.on("error", ({ message }) => resolve({ isDone: false, text: `could not be started: ${message}` }))
      child.on("exit", (status, signal) =>
        resolve({
          isDone: status === 0,
          text: signal === null ? `ended with status ${status}` : `was ended by ${signal}`
        })
      )
    })
    // A command need not read its standard input.
    child.stdin?.on("error", () => {})
    child.stdin?.end(job.body)
    return { child, ended }
  })

const signal = (child: ChildProcess, name: "SIGTERM" | "SIGKILL"): void => {
  if (child.pid === undefined) return
  try {
    if (isWindows) child.kill(name)
    else process.kill(-child.pid, name)
  } catch {
    // The whole group has ended.
  }
}

const end = (child: ChildProcess, ended: Promise<Ended>): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Effect.void
    signal(child, "SIGTERM")
    const gone = Effect.promise(() => ended)
    return Effect.flatMap(
      Effect.timeoutOption(Effect.interruptible(Effect.disconnect(gone)), endsWithin),
      Option.match({
        onNone: () => {
          signal(child, "SIGKILL")
          return Effect.asVoid(gone)
        },
        onSome: () => Effect.void
      })
    )
  })

/**
 * Runs a command for a job. Without `hasOutput`, what the command writes goes to standard error. `guard` may end the wait for the command:
 * then, and if this is interrupted, the command is ended, which is waited for.
 */
export const execute = <E>(
  command: string,
  job: Job.Job,
  hasOutput: boolean,
  guard: (waiting: Effect.Effect<Ended>) => Effect.Effect<Ended, E>
): Effect.Effect<Ended, E> =>
  Effect.acquireUseRelease(
    start(command, job, hasOutput),
    ({ ended }) => guard(Effect.promise(() => ended)),
    ({ child, ended }) => end(child, ended)
  )
