/** Nodes that are emptied, in the background: a viewer may leave meanwhile. */
import { Cluster, DisquePool } from "@disco/core"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Drain } from "../api/cluster.js"
import { BadRequest, type CommandFailed, type NotOnEveryNode } from "../DashboardError.js"
import { failureOf } from "./errors.js"

interface Running {
  progress: Drain
  fiber: Fiber.Fiber<void> | undefined
}

const everyMillis = 2000

export class Drains {
  private readonly byNode = new Map<string, Running>()
  private readonly pool: DisquePool.Service
  private readonly scope: Scope.Scope

  private constructor(pool: DisquePool.Service, scope: Scope.Scope) {
    this.pool = pool
    this.scope = scope
  }

  /** The end of the scope ends the drains: jobs in hand are moved or go back, and the nodes stay leaving ones. */
  static readonly make: Effect.Effect<Drains, never, DisquePool | Scope.Scope> = Effect.map(
    Effect.all([DisquePool, Effect.scope]),
    ([pool, scope]) => new Drains(pool, scope)
  )

  get all(): ReadonlyArray<Drain> {
    return [...this.byNode.values()].map(({ progress }) => progress)
  }

  /** Begins to drain a node, or goes on. */
  start(given: string, moves: boolean): Effect.Effect<void, BadRequest> {
    return Effect.gen(this, function* () {
      const node = yield* this.addressOf(given)
      const earlier = this.byNode.get(node)
      if (earlier?.progress.state === "running" && earlier.progress.moves === moves) return
      if (earlier?.fiber !== undefined) yield* Fiber.interrupt(earlier.fiber)
      const startedAt = yield* Clock.currentTimeMillis
      const running: Running = {
        progress: {
          node,
          startedAt,
          state: "running",
          moves,
          counts: null,
          moved: 0,
          maybeTwice: 0,
          failure: null
        },
        fiber: undefined
      }
      this.byNode.set(node, running)
      const note = (change: Partial<Drain>) =>
        Effect.sync(() => {
          running.progress = { ...running.progress, ...change }
        })
      const draining = Cluster.drain(node, { moves, every: everyMillis }).pipe(
        Stream.runForEach(({ alone, delivered, failure, isSafe, jobs, maybeTwice, moved, queued, unfinished }) =>
          note({
            counts: { jobs, alone, delivered, unfinished, queued },
            moved,
            maybeTwice: maybeTwice.length,
            failure: failure?.message ?? null,
            ...(isSafe ? { state: "safe" } : {})
          })
        ),
        Effect.catchAll(({ message }) => note({ state: "failed", failure: message })),
        Effect.provideService(DisquePool, this.pool)
      )
      running.fiber = yield* Effect.forkIn(Effect.interruptible(draining), this.scope)
    })
  }

  /** Ends a drain, and makes the node stay in the cluster. */
  stop(given: string): Effect.Effect<void, BadRequest | CommandFailed | NotOnEveryNode> {
    return Effect.gen(this, function* () {
      const node = yield* this.addressOf(given)
      const running = this.byNode.get(node)
      if (running?.fiber !== undefined) yield* Fiber.interrupt(running.fiber)
      yield* Effect.mapError(Effect.provideService(Cluster.undrain(node), DisquePool, this.pool), failureOf)
      if (running !== undefined) running.progress = { ...running.progress, state: "stopped" }
    })
  }

  private addressOf(given: string): Effect.Effect<string, BadRequest> {
    return Effect.flatMap(this.pool.health, ({ nodes }) =>
      Option.match(Option.fromNullable(nodes.find(({ address, id }) => given === id || given === address)), {
        onNone: () =>
          new BadRequest({ message: `there is no such node: expected the address or id of one of the cluster` }),
        onSome: ({ address }) => Effect.succeed(address)
      })
    )
  }
}
