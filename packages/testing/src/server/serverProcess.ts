/** A real server as a child process. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DisqueConnection } from "@disco/core"
import { NodeDisque } from "@disco/node"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"

/**
 * There is no server, or it does not start. The message says what to do, or what the server said.
 *
 * @example
 * ```ts
 * import { DisquePool } from "@disco/core"
 * import { DisqueServer } from "@disco/testing"
 * import { Effect } from "effect"
 *
 * const version = Effect.flatMap(DisquePool, (pool) => pool.server.info("server")).pipe(
 *   Effect.map((info) => info.get("server")?.get("disque_version")),
 *   Effect.provide(DisqueServer.layer()),
 *   Effect.catchTag("NoDisqueServer", ({ message }) => Effect.succeed(message))
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class NoDisqueServer extends Data.TaggedError("NoDisqueServer")<{ readonly message: string }> {}

// A server listens at the port after this one too, plus 10000.
const highestPort = 50_000

// How often a port that was free may be somebody else's when the server begins to listen.
const attempts = 5

// How many characters of what a server says are kept for the error.
const keptOutput = 2000

const freePort = async (): Promise<number> => {
  for (;;) {
    const server = createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    const address = server.address()
    server.close()
    await once(server, "close")
    if (typeof address === "object" && address !== null && address.port < highestPort) return address.port
  }
}

interface Running {
  readonly child: ChildProcess
  readonly port: number
  readonly output: () => string
}

const hasEnded = ({ exitCode, pid, signalCode }: ChildProcess): boolean =>
  pid === undefined || exitCode !== null || signalCode !== null

const end = async ({ child }: Running): Promise<void> => {
  if (hasEnded(child)) return
  child.kill("SIGKILL")
  await once(child, "exit")
}

const start = async (path: string, dir: string): Promise<Running> => {
  const port = await freePort()
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", dir]
  const child = spawn(path, args, { cwd: dir, stdio: ["ignore", "pipe", "pipe"] })
  let output = ""
  const keep = (data: Buffer) => {
    output = (output + data).slice(-keptOutput)
  }
  child.stdout.on("data", keep)
  child.stderr.on("data", keep)
  child.on("error", (error) => {
    output += error.message
  })
  // A program that cannot be run has no process, and says why a moment later.
  await once(child, "spawn").catch(() => {})
  return { child, port, output: () => output }
}

/** Waits until the server at the port answers, and is the one that was started. */
const answers = ({ child, output, port }: Running): Effect.Effect<void, NoDisqueServer> => {
  const asked = Effect.scoped(
    Effect.flatMap(DisqueConnection, ({ server }) => server.info("server")).pipe(
      Effect.provide(NodeDisque.layerConnection({ nodes: `127.0.0.1:${port}` }))
    )
  )
  return Effect.gen(function* () {
    if (hasEnded(child)) {
      return yield* new NoDisqueServer({ message: `the server has ended: ${output().trim()}` })
    }
    const info = yield* Effect.either(asked)
    if (info._tag === "Left") return false
    if (info.right.get("server")?.get("process_id") !== child.pid) {
      return yield* new NoDisqueServer({ message: `another server listens at port ${port}` })
    }
    return true
  }).pipe(Effect.repeat({ until: (isUp) => isUp, schedule: Schedule.spaced("20 millis") }), Effect.asVoid)
}

/** Starts a server in a folder of its own, and gives its address. It ends with the scope. */
export const startServer = (path: string): Effect.Effect<string, NoDisqueServer, Scope.Scope> =>
  Effect.gen(function* () {
    const dir = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "disque-"))),
      (dir) => Effect.promise(() => rm(dir, { recursive: true, force: true }))
    )
    const running = yield* Effect.acquireRelease(
      Effect.promise(() => start(path, dir)),
      (running) => Effect.promise(() => end(running))
    )
    yield* answers(running)
    return `127.0.0.1:${running.port}`
  }).pipe(Effect.retry({ times: attempts - 1 }))
