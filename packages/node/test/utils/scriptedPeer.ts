import { createServer, type Socket } from "node:net"
import { Effect, type Scope } from "effect"

/** A server whose answers a test writes, byte by byte where it likes. */
export interface ScriptedPeer {
  readonly address: string
  /** The commands that came, in order: names and arguments. */
  readonly commands: Array<ReadonlyArray<string>>
  /** How many connections were made. */
  readonly connections: () => number
}

/**
 * What is done about a command, by its name. PING and HELLO are answered, another one that is not
 * named is not, nor is what comes behind it: replies keep their order.
 */
export type Script = Readonly<Record<string, (socket: Socket, args: ReadonlyArray<string>) => void>>

const nodeId = "0123456789abcdef0123456789abcdef01234567"

export const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`

const handshake: Script = {
  PING: (socket) => socket.write("+PONG\r\n"),
  HELLO: (socket) =>
    socket.write(`*3\r\n:1\r\n${bulk(nodeId)}*4\r\n${bulk(nodeId)}${bulk("")}${bulk("7711")}${bulk("1")}`)
}

/** Takes whole commands from the front of what has come. */
const takeCommands = (bytes: Buffer): { readonly commands: Array<ReadonlyArray<string>>; readonly rest: Buffer } => {
  const commands: Array<ReadonlyArray<string>> = []
  let at = 0
  const line = () => {
    const end = bytes.indexOf("\r\n", at)
    if (end < 0) return undefined
    const text = bytes.toString("latin1", at + 1, end)
    at = end + 2
    return Number(text)
  }
  for (let start = 0; ; start = at) {
    const rest = { commands, rest: bytes.subarray(start) }
    const count = line()
    if (count === undefined) return rest
    const command: Array<string> = []
    for (let i = 0; i < count; i++) {
      const length = line()
      if (length === undefined || bytes.length < at + length + 2) return rest
      command.push(bytes.toString("latin1", at, at + length))
      at += length + 2
    }
    commands.push(command)
  }
}

/** It listens on a free port unless told on which one. */
export const scriptedPeer = (script: Script, port = 0): Effect.Effect<ScriptedPeer, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<{ readonly peer: ScriptedPeer; readonly close: () => void }>((resume) => {
      const commands: Array<ReadonlyArray<string>> = []
      const sockets = new Set<Socket>()
      let connections = 0
      const server = createServer((socket) => {
        let bytes: Buffer = Buffer.alloc(0)
        let isStuck = false
        connections += 1
        sockets.add(socket)
        socket.setNoDelay(true)
        socket.on("close", () => sockets.delete(socket))
        socket.on("error", () => {})
        socket.on("data", (data) => {
          const taken = takeCommands(Buffer.concat([bytes, data]))
          bytes = taken.rest
          for (const command of taken.commands) {
            const [name = "", ...args] = command
            commands.push(command)
            const answer = isStuck ? undefined : (script[name] ?? handshake[name])
            if (answer === undefined) isStuck = true
            else answer(socket, args)
          }
        })
      })
      server.listen(port, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(
          Effect.succeed({
            peer: { address: `127.0.0.1:${port}`, commands, connections: () => connections },
            close: () => {
              for (const socket of sockets) socket.destroy()
              server.close()
            }
          })
        )
      })
    }),
    ({ close }) => Effect.sync(close)
  ).pipe(Effect.map(({ peer }) => peer))
