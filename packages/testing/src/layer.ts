/** The layer of a test. */
import { type DisqueConnection, DisqueDialer, type DisquePool, type PoolOptions } from "@disco/core"
import { EmbeddedDisque, type EmbeddedOptions } from "@disco/embedded"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import { clients, DiscoTest, type Harness } from "./harness.js"
import { Activity } from "./time/activity.js"
import { Standstill } from "./time/standstill.js"
import { VirtualClock } from "./time/virtualClock.js"
import { Wire } from "./wire/wire.js"

/**
 * The options of a test.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends EmbeddedOptions {
  /** What time it is when the test begins: `"2026-03-29T00:30:00Z"`, for example. Default: the beginning of 1970, as for `TestClock`. */
  readonly startAt?: DateTime.DateTime.Input | undefined
  /** What all chance comes from: ids, jitter, and the `Random` of the program. Default: the same in each test. */
  readonly seed?: string | number | undefined
  /** The options of the pool. */
  readonly pool?: PoolOptions | undefined
}

const make = (options: Options, clock: VirtualClock, activity: Activity) =>
  Effect.gen(function* () {
    const below = yield* Scope.make()
    const scope = yield* Scope.make()
    const { pool, seed: _, startAt: __, ...embedded } = options
    const nodes = Layer.provideMerge(EmbeddedDisque.layerDialer, Layer.orDie(EmbeddedDisque.layer(embedded)))
    const context = yield* Layer.buildWithScope(nodes, below)
    const cluster = Context.get(context, EmbeddedDisque)
    const direct = Context.get(context, DisqueDialer)
    const wire = new Wire(clock, activity)
    const { dialer } = wire.wiring(direct)
    const services = yield* Layer.buildWithScope(clients(dialer, pool), below)
    const standstill = yield* Effect.acquireRelease(
      Effect.sync(() => new Standstill(clock, activity)),
      (standstill) => Effect.sync(() => standstill.end())
    )
    yield* standstill.see
    // What closes may wait, and nobody else moves time by then.
    yield* Effect.addFinalizer((exit) =>
      clock.close(Effect.zipRight(Scope.close(scope, exit), Scope.close(below, exit)))
    )
    const harness: Harness = { nodes: cluster.nodes, clock, activity, standstill, wire, cluster, direct, pool, scope }
    return services.pipe(
      Context.add(DiscoTest, harness),
      Context.add(EmbeddedDisque, cluster),
      Context.add(Scope.Scope, scope)
    )
  })

/**
 * Nodes in the process with a pool and a connection to them, and time that passes when the test says so. Provide it to each test:
 * tests that run at the same time know nothing of each other.
 *
 * - **Time** is virtual for all that runs within: `advance` moves it, and so does `TestClock.adjust`, which does the same here.
 * - **Chance** is the same in each run.
 * - **The scope** that the layer gives is that of the test: a worker that is made in the test closes before the pool does, and time
 *   passes by itself meanwhile. A test needs neither `Effect.scoped` nor `it.scoped`. Layers and scopes within the test close where
 *   they end; time passes by itself for them too.
 *
 * An option that is not valid is a defect.
 *
 * @example
 * ```ts
 * import { DisquePool, JobQueue } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import { DiscoTest } from "@disco/testing"
 * import { assert, it } from "@effect/vitest"
 * import { Effect, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String }) })
 *
 * it.effect("a mail that cannot be sent now is sent later", () =>
 *   Effect.gen(function* () {
 *     const sent: Array<string> = []
 *     yield* Worker.make(emails, ({ to }, { attempt }) =>
 *       attempt < 3 ? Effect.fail("busy") : Effect.sync(() => sent.push(to))
 *     )
 *     yield* emails.add(yield* DisquePool, { to: "ada@example.com" })
 *     yield* DiscoTest.advance("10 minutes")
 *     assert.deepStrictEqual(sent, ["ada@example.com"])
 *   }).pipe(Effect.provide(DiscoTest.layer()))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<DiscoTest | DisquePool | DisqueConnection | DisqueDialer | EmbeddedDisque | Scope.Scope> =>
  Layer.suspend(() => {
    const activity = new Activity()
    const start = options.startAt === undefined ? 0 : DateTime.toEpochMillis(DateTime.unsafeMake(options.startAt))
    const clock = new VirtualClock(activity, start)
    return Layer.scopedContext(make(options, clock, activity)).pipe(
      Layer.provideMerge(Layer.setScheduler(activity.scheduler())),
      Layer.provideMerge(Layer.setRandom(Random.make(options.seed ?? "disco"))),
      Layer.provideMerge(Layer.setClock(clock))
    )
  })
