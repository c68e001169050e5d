import { DisquePool } from "@disco/core"
import { EmbeddedDisque, type EmbeddedNode, type EmbeddedOptions } from "@disco/embedded"
import { Effect, Fiber, Layer, TestClock } from "effect"
import { quiet } from "../utils/quiet.js"

/** A pool over a cluster in the process. */
export const cluster = (options: EmbeddedOptions = { nodes: 3 }) =>
  quiet(
    DisquePool.layer().pipe(
      Layer.provide(EmbeddedDisque.layerDialer),
      Layer.provideMerge(EmbeddedDisque.layer(options))
    )
  )

export const settle = Effect.forEach(Array.from({ length: 60 }), () => Effect.yieldNow(), { discard: true })

/** Lets time pass, a little at a time, until an effect has ended. */
export const meanwhile = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(effect)
    for (let i = 0; i < 10_000; i++) {
      yield* settle
      if (fiber.unsafePoll() !== null) break
      yield* TestClock.adjust("50 millis")
    }
    return yield* Fiber.join(fiber)
  })

/** Lets a number of seconds pass, one by one, so that the nodes talk to each other. */
export const seconds = (count: number) =>
  Effect.forEach(Array.from({ length: count }), () => TestClock.adjust("1 second"), { discard: true })

/** The nodes of a cluster of three. */
export const three = Effect.map(EmbeddedDisque, ({ nodes }) => {
  const [a, b, c] = nodes
  return [a, b as EmbeddedNode, c as EmbeddedNode] as const
})

export const range = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, n) => n)
