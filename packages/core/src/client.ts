/** The client of a cluster, which a connection and a pool stand on: the parts of core, put together. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { Cluster } from "./cluster/cluster.js"
import { Discovery } from "./cluster/discovery.js"
import { type ReadyError, type ReadyOptions, readiness } from "./cluster/readiness.js"
import { Refresh } from "./cluster/refresh.js"
import type { CommandError } from "./DisqueError.js"
import { type DialError, DisqueDialer } from "./DisqueLink.js"
import { Executor } from "./executor/executor.js"
import { Routes } from "./executor/routes.js"
import { Fetching } from "./fetching/fetching.js"
import { JobSource } from "./fetching/jobSource.js"
import { type Line, Notices } from "./internal/notices.js"
import { interruptSoon, runFork } from "./internal/runtime.js"
import * as Time from "./internal/time.js"
import { Timekeeper } from "./internal/timekeeper.js"
import type { Limits } from "./links/limits.js"
import { Links } from "./links/links.js"
import { NodeInUse } from "./links/nodeInUse.js"
import { Permits } from "./links/permits.js"

/** The parts of a client that a connection and a pool use. */
export interface Client {
  readonly cluster: Cluster
  readonly links: Links
  readonly permits: Permits
  readonly routes: Routes
  readonly executor: Executor
  readonly discovery: Discovery
  readonly fetching: Fetching
  /** Gives the first node that says that it works. */
  readonly ready: (options?: ReadyOptions) => Effect.Effect<string, ReadyError>
}

// A client opens without knowing the cluster if no node says in this time which nodes there are.
const learnMillis = 1000

/** Opens a client. It is connected to one of the seeds, or fails with the reason why none could be reached, unless it connects later. */
export const make = (limits: Limits): Effect.Effect<Client, DialError, DisqueDialer | Scope.Scope> =>
  Effect.gen(function* () {
    const dialer = yield* DisqueDialer
    const clock = yield* Effect.clock
    const scope = yield* Effect.scope
    const start = yield* runFork
    const randomSeed = yield* Random.nextIntBetween(0, 2 ** 31)

    const now = () => Time.monotonicMillis(clock)
    const fork = (effect: Effect.Effect<unknown>) => {
      const fiber = start(effect, { scope })
      return () => interruptSoon(fiber)
    }
    const notices = new Notices(clock, start)
    const say = (kind: string, line: Line) => void start(notices.say(kind, line))

    const timekeeper = new Timekeeper(
      () => Math.min(permits.deadline, links.due, refresh.due),
      (now) => {
        permits.expire(now)
        links.tick(now)
        refresh.tick(now)
      }
    )
    const expect = (at: number) => timekeeper.expect(at)

    const learn: Effect.Effect<void, CommandError> = Effect.suspend(() => discovery.learn)
    const refresh = new Refresh({ now, expect, fork, learn, refreshMillis: limits.refreshMillis })
    const cluster: Cluster = new Cluster({
      seeds: dialer.seeds,
      addressMap: limits.addressMap,
      randomSeed,
      now,
      say,
      refresh,
      onNodesChanged: () => links.forget((node) => node === cluster.node || cluster.topology.has(node))
    })
    const source = new JobSource({ cycle: limits.cycle, cluster })

    const permits = new Permits({ limits, now, expect })
    const links: Links = new Links({
      dial: (node) => dialer.dial(node),
      now,
      expect,
      fork,
      limits,
      cluster,
      nodeFailed: (node) => {
        cluster.nodeFailed(node)
        source.nodeFailed(node)
      },
      consuming: () => fetching.consuming
    })
    const inUse = new NodeInUse({ cluster, links })
    const { reach } = inUse

    const routes = new Routes({ cluster, links, reach, fork, replicationLinks: limits.replicationLinks })
    const executor = new Executor({ clock, now, expect, fork, limits, cluster, links, refresh, routes })
    const discovery = new Discovery({ cluster, reach, executor })

    const fetching: Fetching = new Fetching({
      clock,
      now,
      say,
      expect,
      fork,
      limits,
      cluster,
      links,
      refresh,
      source,
      reach,
      linksNow: (node = source.node) => (node === undefined ? inUse.now : links.to(node)),
      identifySeeds: discovery.identifySeeds
    })

    // The callers that wait for a job are told first, then the replies still due are read, then the links close.
    const close = Effect.suspend(() => {
      links.stop()
      return Effect.zipRight(
        fetching.close,
        Effect.suspend(() => {
          links.close()
          return notices.end
        })
      )
    })

    yield* timekeeper.run.pipe(Effect.interruptible, Effect.forkScoped)
    yield* Effect.addFinalizer(() => close)
    if (!limits.lazyConnect) {
      yield* reach
      const refreshing = yield* Effect.forkIn(Effect.interruptible(refresh.run), scope)
      yield* Effect.timeoutOption(Fiber.join(refreshing), learnMillis)
    }
    const ready = readiness({ cluster, links, hello: discovery.ask })
    return { cluster, links, permits, routes, executor, discovery, fetching, ready }
  })
