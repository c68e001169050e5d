import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { EmbeddedDisque, type EmbeddedNode } from "../../src/index.js"
import { dial } from "./ask.js"

/** A cluster of three nodes, with a link to each. */
export const three = Effect.gen(function* () {
  const disque = yield* EmbeddedDisque
  const links = [yield* dial(1), yield* dial(2), yield* dial(3)] as const
  return { disque, links, nodes: disque.nodes as unknown as readonly [EmbeddedNode, EmbeddedNode, EmbeddedNode] }
})

/** Lets messages arrive. */
export const settle = TestClock.adjust(0)
