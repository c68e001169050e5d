import { connect, type Socket } from "node:net"
import { ConnectionError, DisqueDialer, type DisqueLink, Reply } from "@disco/core"
import { NodeDisque } from "@disco/node"
import { Effect } from "effect"

export interface Client {
  readonly socket: Socket
  /** What it was sent so far, a character for each byte. */
  readonly received: () => string
  readonly closed: Promise<void>
}

/** A client at a port or a Unix socket, which keeps what it is sent, and closes when the server does unless it is told not to. */
export const connectTo = (at: number | string, host = "127.0.0.1", allowHalfOpen = false): Promise<Client> =>
  new Promise((resolve, reject) => {
    const socket = connect(typeof at === "number" ? { port: at, host, allowHalfOpen } : { path: at })
    let received = ""
    socket.setEncoding("latin1")
    socket.on("data", (chunk) => (received += chunk))
    const closed = new Promise<void>((done) => socket.on("close", () => done()))
    socket.once("connect", () => resolve({ socket, received: () => received, closed }))
    socket.once("error", reject)
    socket.on("error", () => {})
  })

/** A reply as plain data: bulks as text, errors as `Error: …`. */
const plain = (reply: Reply.Reply): unknown => {
  if (reply instanceof Uint8Array) return Buffer.from(reply).toString()
  if (reply instanceof Reply.ErrorReply) return `Error: ${reply.text}`
  return Array.isArray(reply) ? reply.map(plain) : reply
}

/** Sends commands to the node at a port, one after the other, over a link of their own. */
export const ask = (
  port: number,
  ...commands: ReadonlyArray<ReadonlyArray<string>>
): Promise<ReadonlyArray<unknown>> => {
  const node = `127.0.0.1:${port}`
  const send = (link: DisqueLink) =>
    Effect.forEach(commands, (command) =>
      Effect.map(
        Effect.async<Reply.Reply, ConnectionError>((resume) => link.send(command, resume)),
        plain
      )
    )
  return Effect.flatMap(DisqueDialer, ({ dial }) =>
    Effect.acquireUseRelease(dial(node), send, (link) =>
      Effect.sync(() => link.close(new ConnectionError({ node, reason: "closed" })))
    )
  ).pipe(Effect.provide(NodeDisque.layerDialer({ nodes: node })), Effect.runPromise)
}
