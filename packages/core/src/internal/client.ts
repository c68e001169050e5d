/** The links behind a connection or a pool: which node a command goes to, over which link, and what becomes of its reply. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import type { Command } from "../Command.js"
import * as Server from "../commands/server.js"
import { type CommandError, ConnectionError, type PoolExhausted } from "../DisqueError.js"
import { DisqueDialer } from "../DisqueLink.js"
import type { Reachable } from "./cover.js"
import { Fetcher } from "./fetcher.js"
import { Permits } from "./permits.js"
import { type DialError, Session } from "./session.js"
import { Timekeeper } from "./timekeeper.js"
import { WatchedLink } from "./watchedLink.js"

/** The options of a connection or a pool, checked and in numbers. */
export interface Limits {
  readonly commandMillis: number
  readonly sliceMillis: number
  readonly maxActive: number
  readonly maxIdle: number
  readonly idleMillis: number
  readonly maxWaiting: number
  readonly acquireMillis: number
}

const hello = Either.getOrThrow(Server.hello.make())

export class Client {
  readonly permits: Permits
  readonly limits: Limits
  /** Links by what became of them. */
  readonly counts = { created: 0, surplus: 0, expired: 0, silent: 0 }
  private readonly dialer: DisqueDialer["Type"]
  private readonly now: () => number
  private readonly fork: (effect: Effect.Effect<unknown>) => void
  private readonly log: (effect: Effect.Effect<void>) => void
  private readonly timekeeper = new Timekeeper(
    () => this.nextDue(),
    (now) => this.tick(now)
  )
  private readonly fetchers = new Set<Fetcher>()
  private readonly sessions = new Map<string, Session>()
  private readonly links = new Set<WatchedLink>()
  private current: string
  private isClosed = false

  private constructor(
    dialer: DisqueDialer["Type"],
    limits: Limits,
    now: () => number,
    fork: (effect: Effect.Effect<unknown>) => void,
    log: (effect: Effect.Effect<void>) => void,
    first: string
  ) {
    this.dialer = dialer
    this.limits = limits
    this.now = now
    this.fork = fork
    this.log = log
    this.current = first
    this.permits = new Permits(limits, now, (at) => this.timekeeper.expect(at))
  }

  /** Opens a client: it is connected to one of the seeds, or the reason why to none is the error. */
  static make(limits: Limits): Effect.Effect<Client, DialError, DisqueDialer | Scope.Scope> {
    return Effect.gen(function* () {
      const dialer = yield* DisqueDialer
      const clock = yield* Effect.clock
      const scope = yield* Effect.scope
      const runtime = yield* Effect.runtime<never>()
      const fork = (effect: Effect.Effect<unknown>) => {
        Runtime.runFork(runtime, effect, { scope })
      }
      const log = (effect: Effect.Effect<void>) => {
        Runtime.runFork(runtime, effect)
      }
      const now = () => clock.unsafeCurrentTimeMillis()
      const first = yield* Random.nextIntBetween(0, Math.max(1, dialer.seeds.length))
      const client = new Client(dialer, limits, now, fork, log, dialer.seeds[first] ?? "")
      yield* client.timekeeper.run.pipe(Effect.interruptible, Effect.forkScoped)
      yield* Effect.addFinalizer(() => client.close)
      yield* client.reach
      return client
    })
  }

  /** What fetches jobs; the end of the scope waits for its last reply. */
  readonly fetcher: Effect.Effect<Fetcher, never, Scope.Scope> = Effect.acquireRelease(
    Effect.sync(() => {
      const fetcher = new Fetcher({
        now: this.now,
        log: this.log,
        expect: (at) => this.timekeeper.expect(at),
        reach: Effect.suspend(() => this.reach),
        limits: this.limits
      })
      this.fetchers.add(fetcher)
      return fetcher
    }),
    (fetcher) =>
      Effect.ensuring(
        fetcher.close,
        Effect.sync(() => this.fetchers.delete(fetcher))
      )
  )

  /** The node that commands go to. */
  get node(): string {
    return this.current
  }

  get idle(): number {
    let idle = 0
    for (const session of this.sessions.values()) idle += session.idleLinks.length
    return idle
  }

  /** Sends a command to the node that it belongs to, and gives what its reply says. */
  execute<A, E>(command: Command<A, E>): Effect.Effect<A, E | CommandError> {
    return Effect.suspend(() => {
      if (this.isClosed) return Effect.fail(new ConnectionError({ node: this.current, reason: "closed" }))
      const link = this.sessions.get(command.holder ?? this.current)?.openLink
      if (link !== undefined) return this.exchange(link, command)
      return Effect.flatMap(this.linkTo(command.holder), (link) => this.exchange(link, command))
    })
  }

  /** Sends a command to the node at an address. */
  executeOn<A, E>(node: string, command: Command<A, E>): Effect.Effect<A, E | CommandError> {
    return Effect.suspend(() => Effect.flatMap(this.session(node).commandLink, (link) => this.exchange(link, command)))
  }

  /** The nodes of the cluster, but for those that failed or are leaving. */
  readonly nodes: Effect.Effect<ReadonlyArray<Reachable>, CommandError> = Effect.suspend(() =>
    Effect.map(this.execute(hello), ({ nodes }) => nodes.filter(({ priority }) => priority < 100))
  )

  /** Counts as one of the `maxActive` until the scope ends. */
  readonly permit: Effect.Effect<void, PoolExhausted, Scope.Scope> = Effect.uninterruptibleMask((restore) =>
    Effect.zipRight(
      restore(Effect.suspend(() => this.permits.acquire)),
      Effect.addFinalizer(() => Effect.sync(() => this.permits.release()))
    )
  )

  /** Runs an effect as one of the `maxActive`. */
  withPermit<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | PoolExhausted> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.zipRight(
        restore(this.permits.acquire),
        Effect.onExit(restore(effect), () => Effect.sync(() => this.permits.release()))
      )
    )
  }

  private exchange<A, E>(link: WatchedLink, command: Command<A, E>): Effect.Effect<A, E | CommandError> {
    return Effect.async<A, E | CommandError>((resume) => {
      link.send(command.wire, command.serverMillis + this.limits.commandMillis, (outcome) => {
        resume(
          Exit.isSuccess(outcome)
            ? command.decode(outcome.value, link.node)
            : Exit.failCause(command.lost(link.node)(outcome.cause))
        )
      })
      this.timekeeper.expect(link.deadline)
    })
  }

  private linkTo(holder: string | undefined): Effect.Effect<WatchedLink, DialError> {
    const anywhere = Effect.flatMap(this.reach, (session) => session.commandLink)
    return holder === undefined
      ? anywhere
      : Effect.catchAll(
          Effect.suspend(() => this.session(holder).commandLink),
          () => anywhere
        )
  }

  private session(node: string): Session {
    const known = this.sessions.get(node)
    if (known !== undefined) return known
    const session = new Session(node, {
      dial: (node) => this.dial(node),
      fork: this.fork,
      keepIdle: (link) => this.keepIdle(link)
    })
    this.sessions.set(node, session)
    return session
  }

  /** The node in use, or where it cannot be reached the first other one that can, which is in use from then on. */
  private readonly reach: Effect.Effect<Session, DialError> = Effect.suspend(() => {
    const current = this.session(this.current)
    return current.openLink === undefined ? this.search : Effect.succeed(current)
  })

  private readonly search: Effect.Effect<Session, DialError> = Effect.gen(this, function* () {
    const others = yield* Random.shuffle(this.dialer.seeds.filter((seed) => seed !== this.current))
    const attempts: Array<DialError> = []
    for (const node of [this.current, ...others]) {
      const session = this.session(node)
      const exit = yield* Effect.either(session.commandLink)
      if (exit._tag === "Right") {
        this.current = node
        return session
      }
      attempts.push(exit.left)
    }
    const rejected = attempts.find((attempt) => attempt._tag === "NotAuthenticated")
    const [only] = attempts
    if (rejected !== undefined) return yield* rejected
    if (only !== undefined && attempts.length === 1) return yield* only
    return yield* new ConnectionError({ node: this.dialer.seeds.join(", "), reason: "unreachable", attempts })
  })

  private dial(node: string): Effect.Effect<WatchedLink, DialError> {
    return Effect.suspend(() => {
      if (this.isClosed) return Effect.fail(new ConnectionError({ node, reason: "closed" }))
      return Effect.map(this.dialer.dial(node), (opened) => {
        const link = new WatchedLink(opened, this.now)
        for (const link of this.links) if (!link.isOpen) this.links.delete(link)
        this.links.add(link)
        this.counts.created += 1
        if (this.isClosed) link.close("closed")
        return link
      })
    })
  }

  private keepIdle(link: WatchedLink): boolean {
    if (this.isClosed || this.idle >= this.limits.maxIdle) {
      this.counts.surplus += 1
      link.close("closed")
      return false
    }
    link.idleSince = this.now()
    this.timekeeper.expect(link.idleSince + this.limits.idleMillis)
    return true
  }

  private nextDue(): number {
    let due = this.permits.deadline
    for (const link of this.links) if (link.isOpen) due = Math.min(due, link.deadline)
    for (const session of this.sessions.values()) {
      for (const link of session.idleLinks) due = Math.min(due, link.idleSince + this.limits.idleMillis)
    }
    return due
  }

  private tick(now: number): void {
    this.permits.expire(now)
    for (const link of this.links) {
      if (link.isOpen && link.deadline <= now) {
        this.counts.silent += 1
        link.close("silent")
      }
    }
    for (const session of this.sessions.values()) {
      this.counts.expired += session.closeIdle(now - this.limits.idleMillis)
    }
  }

  // Whoever waits for a job is told first, then the replies still due are read, then the links close.
  private readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.isClosed = true
    return Effect.forEach(this.fetchers, (fetcher) => fetcher.close, { concurrency: "unbounded", discard: true })
  }).pipe(
    Effect.zipRight(
      Effect.sync(() => {
        for (const link of this.links) link.close("closed")
      })
    )
  )
}
