import { createServer, type Socket } from "node:net"
import { Effect, type Scope } from "effect"

/** A server that hands every command to the test, which answers with raw bytes, or not, or hangs up. */
export interface ScriptedPeer {
  readonly address: string
  /** The names of the commands that came, in order. */
  readonly commands: Array<string>
}

type Script = (name: string, socket: Socket) => void

// Good for the small commands of these tests: one array of bulks, its first item the name.
const names = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/\*\d+\r\n\$\d+\r\n([A-Za-z]+)\r\n/g)].map((match) => match[1] ?? "")

export const scriptedPeer = (script: Script): Effect.Effect<ScriptedPeer, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<{ readonly peer: ScriptedPeer; readonly close: () => void }>((resume) => {
      const commands: Array<string> = []
      const sockets = new Set<Socket>()
      const server = createServer((socket) => {
        sockets.add(socket)
        socket.on("error", () => {})
        socket.on("data", (data) => {
          for (const name of names(data.toString("latin1"))) {
            commands.push(name)
            script(name, socket)
          }
        })
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(
          Effect.succeed({
            peer: { address: `127.0.0.1:${port}`, commands },
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
