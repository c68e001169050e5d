/** A node listens while it is up, as a process of its own would: while it is down, connections are refused. */
import type { EmbeddedNode } from "@disco/embedded"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { CliError } from "./CliError.js"
import type { Listener } from "./listeners.js"

export interface Entrance {
  /** Listens if the node is up, and refuses connections if it is down. Where the node cannot listen, it is killed. */
  readonly settle: Effect.Effect<void, CliError>
  /** Why the node could not listen after its last start, if so. */
  readonly failure: () => CliError | undefined
  /** Accepts no more clients, for good. Those that are there go on. */
  readonly stop: Effect.Effect<void>
}

/** Follows a node until the scope ends. `listeners` listen already. */
export const make = (
  node: EmbeddedNode,
  listeners: ReadonlyArray<Listener>,
  kill: Effect.Effect<void>
): Effect.Effect<Entrance, never, Scope.Scope> =>
  Effect.gen(function* () {
    const mutex = yield* Effect.makeSemaphore(1)
    let isOpen = true
    let failure: CliError | undefined
    const close = Effect.forEach(listeners, (listener) => listener.stop, { discard: true })
    const open = Effect.forEach(listeners, (listener) => (listener.isListening() ? Effect.void : listener.listen), {
      discard: true
    })
    const settle = mutex.withPermits(1)(
      Effect.suspend(() => {
        if (!isOpen || node.state === "down") return close
        failure = undefined
        return Effect.tapError(open, (error) => {
          failure = error
          return Effect.zipRight(kill, close)
        })
      })
    )
    const tell = (error: CliError) => Effect.logError(`the node at ${node.address} ended again: ${error.message}`)
    const turn = Effect.zipRight(node.down, settle).pipe(
      Effect.zipRight(node.up),
      Effect.zipRight(settle),
      Effect.catchAll(tell)
    )
    yield* Effect.forkScoped(Effect.forever(turn))
    const stop = Effect.suspend(() => {
      isOpen = false
      return mutex.withPermits(1)(close)
    })
    yield* Effect.addFinalizer(() => stop)
    return { settle, failure: () => failure, stop }
  })
