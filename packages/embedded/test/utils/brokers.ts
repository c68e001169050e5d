/** An embedded node on disk and a real server, asked in the same way. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { connect, createServer } from "node:net"
import { setTimeout } from "node:timers/promises"
import * as SocketServer from "@effect/platform/SocketServer"
import { NodeSocketServer } from "@effect/platform-node"
import * as Effect from "effect/Effect"
import { Redis } from "ioredis"
import { type DurableOptions, EmbeddedDisque, EmbeddedServer } from "../../src/index.js"
import { files } from "./disk.js"

/** The path of a real `disque-server`; tests that need one are skipped without it. */
export const realServer = process.env.DISQUE_SERVER

/** Sends a command. Bulks of the reply are text of one character a byte, and numbers are text too. */
export type Call = (...command: ReadonlyArray<string>) => Promise<unknown>

const plain = (reply: unknown): unknown => {
  if (reply instanceof Uint8Array) return Buffer.from(reply).toString("latin1")
  return Array.isArray(reply) ? reply.map(plain) : reply
}

/** A client of the node at a port, and how it ends. */
export const connectTo = (port: number): { readonly call: Call; readonly end: () => void } => {
  const client = new Redis({
    port,
    host: "127.0.0.1",
    enableReadyCheck: false,
    stringNumbers: true,
    retryStrategy: null
  })
  return {
    call: async (name, ...args) =>
      plain(await client.callBuffer(name as string, ...args.map((arg) => Buffer.from(arg, "latin1")))),
    end: () => client.disconnect()
  }
}

const withClient = async <A>(port: number, use: (call: Call) => Promise<A>): Promise<A> => {
  const { call, end } = connectTo(port)
  try {
    return await use(call)
  } finally {
    end()
  }
}

/** Runs an embedded node on a folder, until its clean end. */
export const withEmbedded = <A>(options: DurableOptions, use: (call: Call) => Promise<A>): Promise<A> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const server = yield* NodeSocketServer.make({ port: 0, host: "127.0.0.1" })
      const port = server.address._tag === "TcpAddress" ? server.address.port : 0
      const { nodes } = yield* EmbeddedDisque.make({ ports: [port], ...options })
      yield* nodes[0].loaded
      yield* Effect.forkScoped(Effect.provideService(EmbeddedServer.serve(nodes[0]), SocketServer.SocketServer, server))
      return yield* Effect.promise(() => withClient(port, use))
    }).pipe(Effect.scoped, Effect.provide(files))
  )

/** A server listens at the port after this one too, plus 10000. */
const highest = 50_000

const freePort = async (): Promise<number> => {
  for (;;) {
    const server = createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    const address = server.address()
    server.close()
    await once(server, "close")
    if (typeof address === "object" && address !== null && address.port < highest) return address.port
    await setTimeout(1)
  }
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false))
    socket.on("connect", () => socket.destroy())
  })

export const end = async (server: ChildProcess): Promise<void> => {
  if (server.exitCode !== null || server.signalCode !== null) return
  server.kill("SIGKILL")
  await once(server, "exit")
}

/** How often a port that was free may be somebody else's when the server begins to listen. */
const attempts = 5

/** Starts a server; undefined if somebody else has taken the port meanwhile. */
const start = async (dir: string, args: ReadonlyArray<string>, port: number): Promise<ChildProcess | undefined> => {
  // With `everysec`, a server answers before it writes while a sync goes on.
  const own = ["--port", String(port), "--bind", "127.0.0.1", "--dir", dir, "--appendfsync", "always"]
  const all = [...own, "--appendonly", "yes", ...args]
  const server = spawn(realServer ?? "", all, { stdio: "ignore", cwd: dir })
  server.on("error", () => {})
  while (server.pid !== undefined && server.exitCode === null && !(await listens(port))) await setTimeout(20)
  if (server.pid === undefined) throw new Error(`DISQUE_SERVER=${realServer} cannot be run`)
  if (server.exitCode === null) {
    const info = await withClient(port, (call) => call("INFO", "server"))
    if (String(info).includes(`process_id:${server.pid}\r`)) return server
  }
  await end(server)
  return undefined
}

/** Starts a real server on a folder, at a port that is free. */
export const startReal = async (
  dir: string,
  args: ReadonlyArray<string>
): Promise<{ readonly server: ChildProcess; readonly port: number }> => {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const port = await freePort()
    const server = await start(dir, args, port)
    if (server !== undefined) return { server, port }
  }
  throw new Error(`a server did not start on ${dir} ${attempts} times`)
}

/** Runs a real server on a folder, until it is killed. */
export const withReal = async <A>(
  dir: string,
  args: ReadonlyArray<string>,
  use: (call: Call) => Promise<A>
): Promise<A> => {
  const { port, server } = await startReal(dir, args)
  try {
    return await withClient(port, async (call) => {
      while (/^LOADING/.test(await call("PING").then(String, ({ message }) => message))) await setTimeout(20)
      return use(call)
    })
  } finally {
    await end(server)
  }
}
