import * as Effect from "effect/Effect"
import type { Node } from "../node/node.js"

/** Notes how long something took that a disk did, as events for LATENCY. Where nobody wants to know, the clock is not read. */
export const timed = <A, E>(
  node: Node,
  events: () => ReadonlyArray<string>,
  work: Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    if (node.config.latencyThreshold === 0) return work
    const names = events()
    const began = node.world.micros()
    return Effect.ensuring(
      work,
      Effect.sync(() => {
        const micros = node.world.micros() - began
        for (const name of names) node.latency.add(name, micros)
      })
    )
  })
