/** What stands behind a test: its time, its nodes and its links. */
import { ConnectionError, DisqueConnection, DisqueDialer, DisquePool, type PoolOptions, type Reply } from "@disco/core"
import type { EmbeddedDisque, EmbeddedNode } from "@disco/embedded"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Activity } from "./time/activity.js"
import type { Standstill } from "./time/standstill.js"
import type { VirtualClock } from "./time/virtualClock.js"
import type { Wire } from "./wire/wire.js"

/**
 * A test: its nodes, its time, and what its clients send. The functions of this module work on it.
 *
 * @example
 * ```ts
 * import { DiscoTest } from "@disco/testing"
 * import { Effect } from "effect"
 *
 * const test = Effect.gen(function* () {
 *   const { nodes } = yield* DiscoTest.DiscoTest
 *   return nodes.map(({ address }) => address)
 * }).pipe(Effect.provide(DiscoTest.layer({ nodes: 3 })))
 * ```
 *
 * @since 0.1.0
 * @category services
 */
export class DiscoTest extends Context.Tag("@disco/testing/DiscoTest")<DiscoTest, DiscoTest.Service>() {}

/**
 * The types of a test.
 *
 * @since 0.1.0
 * @category services
 */
export declare namespace DiscoTest {
  /**
   * What a test offers.
   *
   * @since 0.1.0
   * @category services
   */
  interface Service {
    /**
     * The nodes, in the order of their ports.
     *
     * @see {@link DiscoTest}
     */
    readonly nodes: EmbeddedDisque.Service["nodes"]
  }
}

export interface Harness extends DiscoTest.Service {
  readonly clock: VirtualClock
  readonly activity: Activity
  readonly standstill: Standstill
  readonly wire: Wire
  readonly cluster: EmbeddedDisque.Service
  /** The links to the nodes before the wire: what the kit itself sends is no command of the program. */
  readonly direct: DisqueDialer.Service
  readonly pool: PoolOptions | undefined
  /** It closes at the end of the test, before the pool does. */
  readonly scope: Scope.Scope
}

/** The kit's view of the test. */
export const harness: Effect.Effect<Harness, never, DiscoTest> = Effect.flatMap(DiscoTest, (service) => {
  const harness = service as Harness
  return Effect.as(harness.standstill.see, harness)
})

/** A pool and a connection over a dialer. */
export const clients = (
  dialer: DisqueDialer.Service,
  pool: PoolOptions | undefined
): Layer.Layer<DisquePool | DisqueConnection | DisqueDialer> =>
  Layer.merge(DisquePool.layer(pool), DisqueConnection.layer()).pipe(
    Layer.orDie,
    Layer.provideMerge(Layer.succeed(DisqueDialer, dialer))
  )

/** Sends a command to a node, and gives its reply. */
export const tell = (
  { direct }: Pick<Harness, "direct">,
  node: string,
  ...words: ReadonlyArray<string>
): Effect.Effect<Reply.Reply> =>
  Effect.flatMap(Effect.orDie(direct.dial(node)), (link) =>
    Effect.ensuring(
      Effect.async<Reply.Reply>((resume) => link.send(words, (outcome) => resume(Effect.orDie(outcome)))),
      Effect.sync(() => link.close(new ConnectionError({ node, reason: "closed" })))
    )
  )

/** The nodes that answer. */
export const answering = ({ nodes }: DiscoTest.Service): ReadonlyArray<EmbeddedNode> =>
  nodes.filter(({ state }) => state === "up")
