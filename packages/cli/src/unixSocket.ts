/** The file of a Unix socket: where a server finds it, and with which access rights it makes one. */
import { chmodSync, lstatSync, unlinkSync } from "node:fs"
import { connect } from "node:net"
import * as Effect from "effect/Effect"
import { CliError } from "./CliError.js"

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown)

/** What is at a path: nothing, something else, or a socket. */
const kindOf = (path: string): "nothing" | "other" | "socket" => {
  const found = lstatSync(path, { throwIfNoEntry: false })
  return found === undefined ? "nothing" : found.isSocket() ? "socket" : "other"
}

/** Whether somebody listens at a socket. */
const isAlive = (path: string): Effect.Effect<boolean, CliError> =>
  Effect.async((resume) => {
    const socket = connect(path)
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.succeed(true))
    })
    socket.once("error", (error) => {
      const code = codeOf(error)
      resume(
        code === "ECONNREFUSED" || code === "ENOENT" ? Effect.succeed(false) : Effect.fail(cannotBeUsed(path, error))
      )
    })
    return Effect.sync(() => socket.destroy())
  })

const cannotBeUsed = (path: string, thrown: unknown): CliError =>
  new CliError({ message: `the Unix socket ${JSON.stringify(path)} cannot be used (${codeOf(thrown)})` })

const attempt = <A>(path: string, work: () => A): Effect.Effect<A, CliError> =>
  Effect.try({ try: work, catch: (thrown) => cannotBeUsed(path, thrown) })

/** Makes room for a socket: one that a dead process left is removed, anything else is refused. */
export const clear = (path: string): Effect.Effect<void, CliError> =>
  Effect.gen(function* () {
    const kind = yield* attempt(path, () => kindOf(path))
    if (kind === "nothing") return
    if (kind === "other") {
      return yield* new CliError({ message: `${JSON.stringify(path)} is there already, and is no socket` })
    }
    if (yield* isAlive(path)) {
      return yield* new CliError({ message: `another process listens on the Unix socket ${JSON.stringify(path)}` })
    }
    yield* attempt(path, () => unlinkSync(path))
  })

/** Runs what makes the socket, so that nobody without these access rights finds it, not even for a moment. */
export const withMode = <A, E, R>(path: string, mode: string, listen: Effect.Effect<A, E, R>) => {
  const bits = Number.parseInt(mode, 8)
  return Effect.acquireUseRelease(
    Effect.sync(() => process.umask(0o777 & ~bits)),
    () => Effect.tap(listen, () => attempt(path, () => chmodSync(path, bits))),
    (before) => Effect.sync(() => process.umask(before))
  )
}
