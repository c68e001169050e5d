import { connect, createServer, type Socket } from "node:net"
import { Effect, type Scope } from "effect"

/** A proxy in front of a node that does to its connections what networks do. */
export interface FaultProxy {
  readonly port: number
  /** Connections that are open. */
  readonly open: () => number
  /** Resets one connection, picked by `random` (0 to 1), once so many more bytes have come through it to the client. */
  readonly cutOne: (random: number, afterBytes: number) => void
  /** Resets all connections. */
  readonly cutAll: () => void
  /** Takes connections and bytes, and passes nothing on, until it is told otherwise. */
  readonly stall: (isStalled: boolean) => void
}

interface Pair {
  readonly client: Socket
  readonly node: Socket
  left: number
}

export const faultProxy = (target: number): Effect.Effect<FaultProxy, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<{ readonly proxy: FaultProxy; readonly close: () => void }>((resume) => {
      const pairs = new Set<Pair>()
      let isStalled = false
      const cut = (pair: Pair) => {
        pairs.delete(pair)
        pair.client.resetAndDestroy()
        pair.node.destroy()
      }
      const server = createServer((client) => {
        const node = connect(target, "127.0.0.1")
        const pair: Pair = { client, node, left: Number.POSITIVE_INFINITY }
        pairs.add(pair)
        client.setNoDelay(true)
        node.setNoDelay(true)
        if (isStalled) {
          client.pause()
          node.pause()
        }
        client.on("data", (data) => node.write(data))
        node.on("data", (data) => {
          if (data.length < pair.left) {
            pair.left -= data.length
            client.write(data)
          } else {
            client.write(data.subarray(0, pair.left), () => cut(pair))
            pair.left = Number.POSITIVE_INFINITY
          }
        })
        for (const [here, there] of [
          [client, node],
          [node, client]
        ] as const) {
          here.on("error", () => {})
          here.on("close", () => {
            pairs.delete(pair)
            there.destroy()
          })
        }
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const proxy: FaultProxy = {
          port: typeof address === "object" && address !== null ? address.port : 0,
          open: () => pairs.size,
          cutOne: (random, afterBytes) => {
            const pair = [...pairs][Math.floor(random * pairs.size)]
            if (pair === undefined) return
            if (afterBytes === 0) cut(pair)
            else pair.left = afterBytes
          },
          cutAll: () => {
            for (const pair of pairs) cut(pair)
          },
          stall: (stalled) => {
            isStalled = stalled
            for (const { client, node } of pairs) {
              for (const socket of [client, node]) {
                if (stalled) socket.pause()
                else socket.resume()
              }
            }
          }
        }
        resume(
          Effect.succeed({
            proxy,
            close: () => {
              for (const pair of pairs) cut(pair)
              server.close()
            }
          })
        )
      })
    }),
    ({ close }) => Effect.sync(close)
  ).pipe(Effect.map(({ proxy }) => proxy))
