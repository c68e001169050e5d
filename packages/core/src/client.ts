/** The links behind a connection or a pool: which node a command goes to, over which link, and what becomes of its reply. */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Tracer from "effect/Tracer"
import { type Command, lost } from "./Command.js"
import { badPriority, Origins, readAddress, Topology } from "./cluster/topology.js"
import * as Server from "./commands/server.js"
import {
  type CommandError,
  ConnectionError,
  type InvalidArgument,
  NodeLeaving,
  type PoolExhausted
} from "./DisqueError.js"
import { DisqueDialer } from "./DisqueLink.js"
import { type Consume, Consumer } from "./fetching/consumer.js"
import { type FetchError, Fetcher } from "./fetching/fetcher.js"
import type { Reachable } from "./internal/acrossNodes.js"
import * as argument from "./internal/argument.js"
import { type Line, Notices } from "./internal/notices.js"
import * as telemetry from "./internal/telemetry.js"
import * as Time from "./internal/time.js"
import { Timekeeper } from "./internal/timekeeper.js"
import type { Job } from "./Job.js"
import type { Limits } from "./links/limits.js"
import { type DialError, Session } from "./links/nodeLinks.js"
import { Permits } from "./links/permits.js"
import { WatchedLink } from "./links/watchedLink.js"

// A link that was in use so shortly ago is taken to work still.
const freshMillis = 1000
// After trouble the cluster is asked anew, but not more often than this.
const leastRefreshMillis = 1000
// A seed that does not answer is not waited for longer than this where the cluster is known already.
const identifyMillis = 1000
// A node that has not answered by then is tried no longer alone.
const staggerMillis = 250
// So many links are opened at a time where many nodes are to be asked, or are fetched from.
const mostDials = 64
// How many times as many jobs have to come from another node to make it worth a move.
const worthMoving = 1.5

const hello = Either.getOrThrow(Server.hello.make())
const ping = ["PING"]

/** How long it may take to say whether commands can be done. */
export interface ReadyOptions {
  /** 1 second unless told otherwise. */
  readonly within?: Duration.DurationInput | undefined
}

/** Why commands cannot be done. */
export type ReadyError = CommandError | NodeLeaving | InvalidArgument

/** What came of a command, or what is to be done to know. */
type Outcome<A, E> = Exit.Exit<A, E> | Effect.Effect<A, E>

export class Client {
  readonly permits: Permits
  readonly limits: Limits
  readonly topology: Topology
  /** Links by what became of them. */
  readonly counts = { created: 0, surplus: 0, expired: 0, silent: 0, lost: 0 }
  private readonly dialer: DisqueDialer.Service
  /** All durations here are measured by this: `Time.monotonicMillis`. */
  readonly now: () => number
  private readonly clock: Clock.Clock
  private readonly fork: (effect: Effect.Effect<unknown>) => () => void
  private readonly notices: Notices
  /** Says what happens, from a callback. */
  private readonly say: (kind: string, line: Line) => void
  private readonly timekeeper = new Timekeeper(
    () => this.nextDue(),
    (now) => this.tick(now)
  )
  private readonly fetchers = new Set<Fetcher>()
  /** Changes when nodes come, go or change, and when jobs are to be fetched from another one. */
  version = 0
  readonly consumers = new Set<Consumer>()
  private readonly watchers = new Set<() => void>()
  private readonly sessions = new Map<string, Session>()
  private readonly links = new Set<WatchedLink>()
  private readonly origins = new Origins()
  private current: string
  private mustMove = false
  private fetchedFrom: string | undefined = undefined
  private fetched = 0
  private refreshAt = Number.POSITIVE_INFINITY
  private refreshedAt = Number.NEGATIVE_INFINITY
  private isRefreshing = false
  private isClosed = false

  private constructor(
    dialer: DisqueDialer.Service,
    limits: Limits,
    clock: Clock.Clock,
    fork: (effect: Effect.Effect<unknown>) => () => void,
    outlive: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>,
    seed: number
  ) {
    this.dialer = dialer
    this.limits = limits
    this.clock = clock
    this.now = () => Time.monotonicMillis(clock)
    this.fork = fork
    this.notices = new Notices(clock, outlive)
    this.say = (kind, line) => {
      outlive(this.notices.say(kind, line))
    }
    this.topology = new Topology(dialer.seeds, limits.addressMap, seed, this.now)
    this.topology.onChange = () => this.nodesChanged()
    this.current = this.topology.candidates("")[0] ?? ""
    this.permits = new Permits(limits, this.now, (at) => this.timekeeper.expect(at))
  }

  /** Opens a client: it is connected to one of the seeds, or the reason why to none is the error. */
  static make(limits: Limits): Effect.Effect<Client, DialError, DisqueDialer | Scope.Scope> {
    return Effect.gen(function* () {
      const dialer = yield* DisqueDialer
      const clock = yield* Effect.clock
      const scope = yield* Effect.scope
      const runtime = yield* Effect.runtime<never>()
      const fork = (effect: Effect.Effect<unknown>) => {
        const fiber = Runtime.runFork(runtime, effect, { scope })
        return () => fiber.unsafeInterruptAsFork(FiberId.none)
      }
      const outlive = (effect: Effect.Effect<void>) => Runtime.runFork(runtime, effect)
      const seed = yield* Random.nextIntBetween(0, 2 ** 31)
      const client = new Client(dialer, limits, clock, fork, outlive, seed)
      yield* client.timekeeper.run.pipe(Effect.interruptible, Effect.forkScoped)
      yield* Effect.addFinalizer(() => client.close)
      yield* client.reach
      // What the cluster is comes later, where no node says it soon.
      const refreshing = yield* Effect.forkIn(Effect.interruptible(client.refresh), scope)
      yield* Effect.timeoutOption(Fiber.join(refreshing), identifyMillis)
      return client
    })
  }

  /** What fetches jobs; the end of the scope waits for its last reply. */
  readonly fetcher: Effect.Effect<Fetcher, never, Scope.Scope> = Effect.acquireRelease(
    Effect.sync(() => {
      const fetcher = new Fetcher({
        clock: this.clock,
        now: this.now,
        say: this.say,
        expect: (at) => this.timekeeper.expect(at),
        sessionNow: (node) => (node === undefined ? this.sessionForJobs : this.session(node)),
        reach: this.reach,
        judge: (link, cause) => this.judge(link, cause),
        fork: this.fork,
        hasFit: () => this.topology.hasFit,
        received: (jobs) => this.received(jobs),
        refreshIfStale: (now) => this.refreshIfStale(now),
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

  /** The nodes that a consumer fetches from. */
  get fetchNodes(): ReadonlyArray<string> {
    return this.limits.cycle === undefined ? this.topology.members : [this.fetchedFrom ?? this.current]
  }

  /** What time of day it was at a time of `now`, in milliseconds since 1970: as the clock of the day goes at present. */
  timeOfDay(at: number): number {
    return Math.round(this.clock.unsafeCurrentTimeMillis() - (this.now() - at))
  }

  get idle(): number {
    let idle = 0
    for (const session of this.sessions.values()) idle += session.idleCount
    return idle
  }

  /** Sends a command to the node that it belongs to, and gives what its reply says. */
  execute<A, E>(command: Command<A, E>): Effect.Effect<A, E | CommandError> {
    // The fiber is asked for from inside: with a step of its own, which `withFiberRuntime` is, each command would cost more.
    return Effect.async((resume) => {
      const fiber = Option.getOrThrow(Fiber.getCurrentFiber())
      const tracer = telemetry.tracerOf(fiber)
      if (tracer === undefined) {
        this.begin(command, true, this.now(), resume)
        return
      }
      const record = this.recorder(command, undefined, tracer, fiber)
      this.begin(command, true, this.now(), (outcome) => {
        if (Exit.isExit(outcome)) record(outcome)
        resume(Exit.isExit(outcome) ? outcome : recording(outcome, record))
      })
      return Effect.sync(() => record(Exit.interrupt(fiber.id())))
    })
  }

  /** The address that is meant: one that is known as it is, or `host:port`, where the port of Disque may be left out. */
  addressOf(node: unknown): string | undefined {
    return typeof node === "string" && (this.sessions.has(node) || this.topology.has(node)) ? node : readAddress(node)
  }

  /** The node that holds the job of a command, where it is known. */
  private holderOf({ holder }: Command<unknown, unknown>): string | undefined {
    return holder === undefined ? undefined : this.addressOf(holder)
  }

  /** Sends a command to the node given, and to no other. */
  executeOn<A, E>(node: string, command: Command<A, E>): Effect.Effect<A, E | CommandError> {
    return Effect.withFiberRuntime((fiber) => {
      const since = this.now()
      const session = this.session(node)
      const effect = this.askOn(session, command, since)
      const tracer = telemetry.tracerOf(fiber)
      return tracer === undefined ? effect : recording(effect, this.recorder(command, node, tracer, fiber))
    })
  }

  /** Sends a command over the link for commands of a node; over a new one once more, where the node did not let the old one in. */
  private askOn<A, E>(session: Session, command: Command<A, E>, since: number): Effect.Effect<A, E | CommandError> {
    const ask = Effect.suspend(() => {
      const { openLink } = session
      return openLink === undefined
        ? Effect.flatMap(this.waitFor(session.commandLink, command, session.node, since), (link) =>
            this.exchange(link, command, false, since)
          )
        : this.exchange(openLink, command, false, since)
    })
    return Effect.catchAll(ask, (error) => (isTurnedAway(error, command) ? once(ask, error) : Effect.fail(error)))
  }

  /** Makes the span of a command, once, when it is told how the command ended. */
  private recorder(
    command: Command<unknown, unknown>,
    node: string | undefined,
    tracer: Tracer.Tracer,
    fiber: Fiber.RuntimeFiber<unknown, unknown>
  ): (exit: Exit.Exit<unknown, unknown>) => void {
    const start = this.clock.unsafeCurrentTimeNanos()
    let isRecorded = false
    return (exit) => {
      // The reply to a command that nobody waits for any more comes all the same.
      if (isRecorded) return
      isRecorded = true
      const { name, queue, wire } = command
      telemetry.trace(tracer, fiber, {
        command: name,
        queue,
        node: node ?? this.holderOf(command) ?? this.current,
        jobs: name === "ADDJOB" ? (Exit.isSuccess(exit) ? [String(exit.value)] : []) : telemetry.jobsOf(wire),
        start,
        end: this.clock.unsafeCurrentTimeNanos(),
        exit
      })
    }
  }

  /** Sends a command now if its link is open, or else once it is. It was handed over at `since`. */
  private begin<A, E>(
    command: Command<A, E>,
    recovers: boolean,
    since: number,
    resume: (outcome: Outcome<A, E | CommandError>) => void
  ): void {
    const now = this.isClosed ? undefined : this.linkNow(command)
    const holder = now === undefined ? this.holderOf(command) : undefined
    const link = now ?? (this.isClosed ? undefined : this.openHolder(holder))
    if (link !== undefined) {
      this.send(link, command, recovers, since, resume)
    } else if (this.isClosed) {
      resume(Effect.fail(new ConnectionError({ node: this.current, reason: "closed" })))
    } else {
      resume(
        Effect.flatMap(this.waitFor(this.linkTo(holder), command, holder ?? this.current, since), (link) =>
          this.exchange(link, command, recovers, since)
        )
      )
    }
  }

  /** How long a command is waited for in all. */
  private millisFor(command: Command<unknown, unknown>): number {
    return command.serverMillis + this.limits.commandMillis
  }

  /** Waits for a link no longer than for the command that is to go over it. */
  private waitFor<A, E>(
    link: Effect.Effect<WatchedLink, DialError>,
    command: Command<A, E>,
    node: string,
    since: number
  ): Effect.Effect<WatchedLink, DialError> {
    const unsent = Effect.fail(new ConnectionError({ node, reason: "unsent" }))
    const left = Math.max(0, since + this.millisFor(command) - this.now())
    return Effect.flatMap(
      Time.timeoutOption(Effect.interruptible(link), left),
      Option.match({ onNone: () => unsent, onSome: (link) => Effect.succeed(link) })
    )
  }

  /** The link that a command goes over, where it is open. */
  private linkNow(command: Command<unknown, unknown>): WatchedLink | undefined {
    const node = command.holder ?? this.current
    if (this.mustMove && node === this.current) return undefined
    const session = this.sessions.get(node)
    // Where a node makes no copies, no command waits, and one link is as good as many.
    return command.waits && this.limits.lanes > 1 && this.topology.isCluster
      ? session?.lane(this.limits.lanes)
      : session?.openLink
  }

  /** What a node refused unseen may be asked of another one, and what is idempotent may be asked again. Nothing else is. */
  private recover<A, E>(
    command: Command<A, E>,
    cause: Cause.Cause<E | CommandError>,
    since: number
  ): Effect.Effect<A, E | CommandError> | undefined {
    const failure = Option.getOrUndefined(Cause.failureOption(cause))
    if (failure === undefined) return undefined
    // What may have been carried out has its whole time for each attempt; what was not has the time that is left of one.
    let from = since
    const again = Effect.async<A, E | CommandError>((resume) => this.begin(command, false, from, resume))
    // A job that has a holder is that node's to deal with.
    const mayMove = (error: E | CommandError): boolean =>
      command.holder === undefined &&
      isUnfit(error) &&
      this.topology.hasFit &&
      this.now() - since < this.millisFor(command)
    const moved = Effect.async<A, E | CommandError>((resume) => this.begin(command, true, since, resume))
    if (mayMove(failure)) return moved
    const orMoved = (effect: Effect.Effect<A, E | CommandError>): Effect.Effect<A, E | CommandError> =>
      Effect.catchAll(effect, (error) => (mayMove(error) ? moved : Effect.fail(error)))
    if (isTurnedAway(failure, command)) return orMoved(once(again, failure))
    // Whoever waited for a node that says nothing has waited long: only another node is worth a try.
    const mayRepeat = (error: E | CommandError): error is ConnectionError =>
      isConnectionError(error) &&
      (error.reason === "unsent"
        ? this.now() - from < this.millisFor(command)
        : command.isIdempotent && (error.reason === "lost" || (error.reason === "silent" && this.topology.hasFit)))
    if (!mayRepeat(failure)) return undefined
    let last: ConnectionError = failure
    let isFirst = true
    const attempt = Effect.suspend(() => {
      if (isFirst) {
        isFirst = false
        return Effect.fail<E | CommandError>(failure)
      }
      if (last.reason !== "unsent") from = this.now()
      else if (!mayRepeat(last)) return Effect.fail<E | CommandError>(last)
      return again
    })
    const retrying = Effect.retry(attempt, {
      while: (error) => {
        if (!mayRepeat(error)) return false
        last = error
        return true
      },
      schedule: Schedule.mapInput(this.limits.retry, (error: E | CommandError) => error as ConnectionError)
    })
    return orMoved(Effect.flatMap(Effect.clock, (clock) => Effect.withClock(retrying, Time.clockOfAttempts(clock))))
  }

  /**
   * Sends many commands at once, and gives for each what came of it, in their order. It is one wait for all of them: less than as
   * many fibers would cost.
   */
  executeAll<A, E>(
    commands: ReadonlyArray<Command<A, E>>
  ): Effect.Effect<ReadonlyArray<Either.Either<A, E | CommandError>>> {
    const [first] = commands
    if (first === undefined) return Effect.succeed([])
    return Effect.withFiberRuntime((fiber) => {
      if (telemetry.tracerOf(fiber) !== undefined || this.linkNow(first) === undefined) {
        return Effect.forEach(commands, (command) => Effect.either(this.execute(command)), { concurrency: "unbounded" })
      }
      return Effect.async((resume) => {
        const results = new Array<Either.Either<A, E | CommandError>>(commands.length)
        let left = commands.length
        const end = (i: number, exit: Exit.Exit<A, E | CommandError>) => {
          if (Exit.isSuccess(exit)) {
            results[i] = Either.right(exit.value)
          } else {
            const failure = Cause.failureOrCause(exit.cause)
            // Neither is this fiber interrupted, nor has a link defects: then nobody waits for the others either.
            if (Either.isRight(failure)) return resume(Effect.failCause(failure.right))
            results[i] = Either.left(failure.left)
          }
          left -= 1
          if (left === 0) resume(Effect.succeed(results))
        }
        const later = (i: number, effect: Effect.Effect<A, E | CommandError>) =>
          this.fork(Effect.map(Effect.exit(effect), (exit) => end(i, exit)))
        const now = this.now()
        for (const [i, command] of commands.entries()) {
          const link = this.linkNow(command)
          if (link === undefined) {
            later(i, this.execute(command))
          } else {
            this.send(link, command, true, now, (outcome) => {
              if (Exit.isExit(outcome)) end(i, outcome)
              else later(i, outcome)
            })
          }
        }
      })
    })
  }

  /** The first node that says that it works, of those that are asked one after the other. It fails where none did in time. */
  ready(options: ReadyOptions = {}): Effect.Effect<string, ReadyError> {
    return Effect.flatMap(argument.wait("ready", "within", options.within ?? "1 second", 1), (millis) => {
      if (this.isClosed) return Effect.fail(new ConnectionError({ node: this.current, reason: "closed" }))
      const failures: Array<CommandError | NodeLeaving> = []
      const nodes = this.currentAndOthers
      // However short the time is, each node has a part of it.
      const asked = this.race(nodes, failures, this.works, Math.min(staggerMillis, millis / nodes.length))
      return Effect.matchEffect(Time.timeoutOption(Effect.interruptible(asked), millis), {
        onFailure: () => this.whyNone(failures),
        onSuccess: Option.match({
          onNone: () => {
            const attempts = failures.filter(isDialError)
            return Effect.fail(new ConnectionError({ node: nodes.join(", "), reason: "silent", attempts }))
          },
          onSome: (node) => Effect.succeed(node)
        })
      })
    })
  }

  /** Has a node say that it works: what it would refuse the commands for, a HELLO is refused for too, or tells of. */
  private readonly works = (session: Session): Effect.Effect<string, CommandError | NodeLeaving> =>
    Effect.flatMap(this.ask(session), ({ id, nodes }) =>
      nodes.some((node) => node.id === id && node.priority >= badPriority)
        ? Effect.fail(new NodeLeaving({ command: "HELLO", node: session.node, reply: "it tells that it is leaving" }))
        : Effect.succeed(session.node)
    )

  /** The nodes of the cluster that work, with the addresses at which they are reached. */
  readonly nodes: Effect.Effect<ReadonlyArray<Reachable>, CommandError> = Effect.suspend(() =>
    Effect.map(Effect.zipRight(this.learn, this.identifySeeds), () => {
      const members = new Set(this.topology.members)
      return this.topology.nodes.flatMap(({ address, id }) =>
        id !== undefined && members.has(address) ? [{ id, address }] : []
      )
    })
  )

  /** Finds out which nodes the seeds are. Who says nothing for a second is not asked again for a while. */
  readonly identifySeeds: Effect.Effect<void> = Effect.suspend(() =>
    Effect.forEach(
      this.topology.unidentified.filter((seed) => this.topology.restMillis(seed) === 0),
      (seed) =>
        Effect.match(Effect.timeoutOption(this.executeOn(seed, hello), identifyMillis), {
          onFailure: () => {},
          onSuccess: Option.match({
            onNone: () => this.topology.failed(seed),
            onSome: ({ id }) => this.topology.identify(seed, id)
          })
        }),
      { concurrency: mostDials, discard: true }
    )
  )

  /** Fetches for a consumer, from all nodes at once, until it is interrupted; that waits for the replies still due. */
  consume(request: Consume): Effect.Effect<never, FetchError> {
    return Effect.scoped(
      Effect.flatMap(this.fetcher, (fetcher) => {
        const consumer = new Consumer(this, fetcher, request)
        this.consumers.add(consumer)
        return Effect.ensuring(
          consumer.run,
          Effect.sync(() => this.consumers.delete(consumer))
        )
      })
    )
  }

  /** Counts as one of the `maxActive` until the scope ends. */
  readonly permit: Effect.Effect<void, PoolExhausted, Scope.Scope> = Effect.uninterruptibleMask((restore) =>
    Effect.zipRight(
      restore(Effect.suspend(() => this.permits.acquire)),
      Effect.addFinalizer(() => Effect.sync(() => this.permits.release()))
    )
  )

  private exchange<A, E>(
    link: WatchedLink,
    command: Command<A, E>,
    recovers: boolean,
    since: number
  ): Effect.Effect<A, E | CommandError> {
    return Effect.async((resume) => this.send(link, command, recovers, since, resume))
  }

  /** Gives what comes of a command, or where it may be sent again what has to be done for that. */
  private send<A, E>(
    link: WatchedLink,
    command: Command<A, E>,
    recovers: boolean,
    since: number,
    done: (outcome: Outcome<A, E | CommandError>) => void
  ): void {
    const sentAt = this.now()
    this.refreshIfStale(sentAt)
    link.send(
      command.wire,
      this.millisFor(command),
      (outcome, isLate) => {
        const exit = Exit.isSuccess(outcome)
          ? command.decode(outcome.value, link.node)
          : Exit.failCause(lost(command, link.node, outcome.cause))
        telemetry.measure(command.name, command.queue, (isLate ? this.now() : link.lastReplyAt) - sentAt, exit)
        if (Exit.isFailure(exit) && !isLate) {
          this.judge(link, Exit.isFailure(outcome) ? outcome.cause : exit.cause)
          done((recovers ? this.recover(command, exit.cause, since) : undefined) ?? exit)
        } else {
          done(exit)
        }
      },
      sentAt,
      sentAt - since
    )
    this.timekeeper.expect(link.deadline)
  }

  /** Begins to open the link to a node that holds a job; others may know the job too, so that it is not waited for long. */
  private openHolder(holder: string | undefined): WatchedLink | undefined {
    if (holder === undefined || this.isLeftAlone(holder)) return undefined
    const session = this.session(holder)
    if (session.openLink === undefined) this.fork(Effect.ignore(session.commandLink))
    return session.openLink
  }

  private isLeftAlone(node: string): boolean {
    return this.topology.restMillis(node) > 0 && node !== this.current
  }

  private linkTo(holder: string | undefined): Effect.Effect<WatchedLink, DialError> {
    const anywhere = Effect.flatMap(this.reach, (session) => session.commandLink)
    if (holder === undefined || this.isLeftAlone(holder)) return anywhere
    const { commandLink, openingMillis } = this.session(holder)
    const left = Math.max(0, staggerMillis - openingMillis)
    return Effect.matchEffect(Effect.timeoutOption(Effect.interruptible(commandLink), left), {
      onFailure: () => anywhere,
      onSuccess: Option.match({ onNone: () => anywhere, onSome: (link) => Effect.succeed(link) })
    })
  }

  /** What is open, or can be opened, to a node. */
  session(node: string): Session {
    const known = this.sessions.get(node)
    if (known !== undefined) return known
    const session = new Session(node, {
      now: this.now,
      dial: (node) => this.dial(node),
      fork: this.fork,
      keepIdle: (link) => this.keepIdle(link),
      drop: (links) => {
        this.closedLinks("lost", links.length)
        for (const link of links) link.retire()
      },
      isFresh: (link) => this.isFresh(link),
      check: (link, done) => this.check(link, done)
    })
    this.sessions.set(node, session)
    return session
  }

  /** The node in use, or where it cannot be used the first other one that can, which is in use from then on. */
  private readonly reach: Effect.Effect<Session, DialError> = Effect.suspend(() => {
    const current = this.session(this.current)
    return current.openLink === undefined || this.mustMove ? this.search : Effect.succeed(current)
  })

  /** The node to fetch jobs from, where nothing has to be done to use it. */
  private get sessionForJobs(): Session | undefined {
    if (this.fetchedFrom !== undefined && !this.topology.isToLeave(this.fetchedFrom)) {
      return this.session(this.fetchedFrom)
    }
    const current = this.session(this.current)
    return current.openLink === undefined || this.mustMove ? undefined : current
  }

  private readonly search: Effect.Effect<Session, DialError> = Effect.suspend(() => {
    const failures: Array<DialError> = []
    return this.race(this.topology.candidates(this.current), failures, (session) =>
      Effect.map(session.commandLink, () => {
        this.use(session.node)
        return session
      })
    ).pipe(Effect.catchAll(() => this.whyNone(failures)))
  })

  /**
   * Tries nodes until one of them does: each next one begins once the one before has failed, or has not answered for a while. The
   * others are interrupted then.
   */
  private race<A, E>(
    nodes: ReadonlyArray<string>,
    failures: Array<E>,
    attempt: (session: Session) => Effect.Effect<A, E>,
    stagger = staggerMillis
  ): Effect.Effect<A, void> {
    return Effect.suspend(() => {
      const won = Deferred.unsafeMake<A, void>(FiberId.none)
      const attemptOn = (node: string, failed: Deferred.Deferred<void>) =>
        Effect.matchCause(attempt(this.session(node)), {
          onFailure: (cause) => {
            const failure = Cause.failureOption(cause)
            if (Option.isSome(failure)) failures.push(failure.value)
            else if (!Cause.isInterrupted(cause)) Deferred.unsafeDone(won, Exit.die(Cause.squash(cause)))
            Deferred.unsafeDone(failed, Effect.void)
          },
          onSuccess: (value) => Deferred.unsafeDone(won, Exit.succeed(value))
        })
      // All in one fiber, and not each within the one before: there may be a thousand of them.
      const tryAll = Effect.gen(function* () {
        const attempts: Array<Fiber.Fiber<void>> = []
        for (const node of nodes) {
          const failed = Deferred.unsafeMake<void>(FiberId.none)
          attempts.push(yield* Effect.fork(attemptOn(node, failed)))
          if (attempts.length < nodes.length) yield* Effect.timeoutOption(Deferred.await(failed), stagger)
        }
        for (const fiber of attempts) yield* Fiber.await(fiber)
        Deferred.unsafeDone(won, Exit.fail(undefined))
      })
      // They can be interrupted also where the caller cannot, in a finalizer for example.
      return Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(Effect.fork(Effect.interruptible(tryAll)), (fiber) =>
          Effect.ensuring(restore(Deferred.await(won)), Fiber.interrupt(fiber))
        )
      )
    })
  }

  /** What none of several nodes could do fails for what one of them said, or else for that none could be reached. */
  private whyNone<E extends CommandError | NodeLeaving>(
    failures: ReadonlyArray<E>
  ): Effect.Effect<never, E | ConnectionError> {
    const said = failures.find(({ _tag }) => _tag !== "ConnectionError")
    const [only] = failures
    if (said !== undefined) return Effect.fail(said)
    if (only !== undefined && failures.length === 1) return Effect.fail(only)
    const node = failures.map(({ node }) => node).join(", ")
    const attempts = [...failures].filter(isDialError)
    return Effect.fail(new ConnectionError({ node, reason: "unreachable", attempts }))
  }

  private use(node: string): void {
    this.mustMove = false
    if (node === this.current) return
    const from = this.current
    this.current = node
    // Before the first answer it is no news that some seed is not there.
    if (this.refreshedAt === Number.NEGATIVE_INFINITY) return
    this.say(`use ${from}`, (more) =>
      Effect.logWarning(`${from} cannot be used at present: commands go to ${node}${more}`)
    )
    if (this.limits.cycle !== undefined) this.changed()
  }

  private dial(node: string): Effect.Effect<WatchedLink, DialError> {
    return Effect.uninterruptibleMask((restore) => {
      if (this.isClosed) return Effect.fail(new ConnectionError({ node, reason: "closed" }))
      return Effect.matchEffect(restore(this.dialer.dial(node)), {
        onFailure: (error) => {
          this.topology.failed(node)
          if (this.refreshedAt !== Number.NEGATIVE_INFINITY && this.topology.hasFit) {
            // It takes no more links, whatever those do that it has.
            if (node === this.current) this.mustMove = true
            this.refreshBy(Math.max(this.now(), this.refreshedAt + leastRefreshMillis))
          }
          return Effect.fail(error)
        },
        onSuccess: (opened) => {
          const link = new WatchedLink(opened, this.now)
          this.sweep()
          this.links.add(link)
          this.counts.created += 1
          telemetry.linkOpened()
          if (this.isClosed) link.close("closed")
          else if (!link.isLocal) this.timekeeper.expect(this.now() + this.limits.refreshMillis)
          return Effect.succeed(link)
        }
      })
    })
  }

  /** Looks at why a command failed: whether its node does. */
  private judge(link: WatchedLink, cause: Cause.Cause<unknown>): void {
    if (this.isClosed || link.closedFor === "closed") return
    const failure = Option.getOrUndefined(Cause.failureOption(cause))
    if (tagOf(failure) === "NotAuthenticated") this.session(link.node).renew(link)
    else if (isConnectionError(failure) || isUnfit(failure)) this.trouble(link.node)
  }

  /** The node failed, or refuses to work: it is left, and the cluster is asked what is the matter. */
  private trouble(node: string): void {
    this.topology.failed(node)
    if (node === this.current) this.mustMove = true
    if (node === this.fetchedFrom) {
      this.fetchedFrom = undefined
      this.changed()
    }
    this.refreshBy(Math.max(this.now(), this.refreshedAt + leastRefreshMillis))
  }

  private refreshBy(at: number): void {
    if (at >= this.refreshAt) return
    this.refreshAt = at
    this.timekeeper.expect(at)
  }

  // By use and not by time: who is idle need not know.
  private refreshIfStale(now: number): void {
    if (now - this.refreshedAt < this.limits.refreshMillis || this.isRefreshing) return
    this.isRefreshing = true
    this.fork(this.refresh)
  }

  private readonly learn: Effect.Effect<void, CommandError> = Effect.flatMap(
    Effect.suspend(() => this.reach),
    () => {
      const failures: Array<CommandError> = []
      return Effect.matchEffect(this.race(this.currentAndOthers, failures, this.ask), {
        onFailure: () => this.whyNone(failures),
        onSuccess: () => Effect.void
      })
    }
  )

  /** Asks a node for its cluster. */
  private readonly ask = (session: Session): Effect.Effect<Server.Hello, CommandError> =>
    Effect.map(this.askOn(session, hello, this.now()), (hello) => {
      this.topology.learn(session.node, hello)
      return hello
    })

  private get currentAndOthers(): ReadonlyArray<string> {
    return [this.current, ...this.topology.candidates(this.current).filter((node) => node !== this.current)]
  }

  /** Asks a node for its cluster; where none can say, what was known stays known. */
  private readonly refresh: Effect.Effect<void> = Effect.suspend(() => {
    this.isRefreshing = true
    return Effect.ignore(this.learn)
  }).pipe(
    Effect.ensuring(
      Effect.sync(() => {
        this.isRefreshing = false
        this.refreshedAt = this.now()
        this.refreshAt = Number.POSITIVE_INFINITY
      })
    )
  )

  private nodesChanged(): void {
    if (this.topology.isToLeave(this.current)) this.mustMove = true
    this.changed()
    // One with a link, or with one to come, is still there to take it back.
    const used = new Set([this.current, ...this.topology.addresses])
    for (const link of this.links) if (link.isOpen) used.add(link.node)
    for (const [node, session] of this.sessions) {
      if (!used.has(node) && !session.isDialing) this.sessions.delete(node)
    }
  }

  private changed(): void {
    this.version += 1
    for (const watch of [...this.watchers]) watch()
  }

  /** Waits until `version` is another one than that given. */
  changedSince(version: number): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      if (this.version !== version) return resume(Effect.void)
      const watch = () => resume(Effect.void)
      this.watchers.add(watch)
      return Effect.sync(() => this.watchers.delete(watch))
    }).pipe(Effect.asVoid)
  }

  private received(jobs: ReadonlyArray<Job>): void {
    telemetry.received(jobs)
    const { cycle } = this.limits
    if (cycle === undefined) return
    for (const job of jobs) this.origins.count(job.id)
    this.fetched += jobs.length
    if (this.fetched < cycle) return
    this.fetched = 0
    const from = this.fetchedFrom ?? this.current
    const here = this.topology.nodes.find(({ address }) => address === from)?.id?.slice(0, 8)
    const leader = this.origins.leader(here)
    if (leader === undefined || leader.ratio < worthMoving) return
    const node = this.topology.byPrefix(leader.prefix)
    if (node === undefined || node === from || this.topology.isToLeave(node)) return
    this.fetchedFrom = node
    this.changed()
  }

  private isFresh(link: WatchedLink): boolean {
    return this.now() - link.idleSince < freshMillis
  }

  private check(link: WatchedLink, done: (failure: ConnectionError | undefined) => void): void {
    if (this.isFresh(link)) {
      done(undefined)
      return
    }
    link.send(ping, this.limits.commandMillis, (outcome) => {
      const failure = Exit.isFailure(outcome) ? Cause.failureOption(outcome.cause) : Option.none()
      done(Option.getOrUndefined(failure))
    })
    this.timekeeper.expect(link.deadline)
  }

  private keepIdle(link: WatchedLink): boolean {
    // A consumer that has no room for a moment has use for its links all the same.
    let consuming = 0
    for (const consumer of this.consumers) consuming += consumer.size
    if (this.isClosed || this.idle >= Math.max(this.limits.maxIdle, consuming)) {
      this.closedLinks("surplus", 1)
      link.retire()
      return false
    }
    link.idleSince = this.now()
    this.timekeeper.expect(link.idleSince + this.limits.idleMillis)
    return true
  }

  private sweep(): void {
    for (const link of this.links) {
      if (link.isOpen) continue
      this.links.delete(link)
      if (link.closedFor === undefined) this.closedLinks("lost", 1)
    }
  }

  private closedLinks(reason: "surplus" | "expired" | "silent" | "lost", count: number): void {
    this.counts[reason] += count
    telemetry.linkClosed(reason, count)
  }

  private nextDue(): number {
    let due = Math.min(this.permits.deadline, this.isRefreshing ? Number.POSITIVE_INFINITY : this.refreshAt)
    for (const link of this.links) {
      if (!link.isOpen) continue
      due = Math.min(due, link.deadline)
      if (!link.isLocal) due = Math.min(due, link.quietSince + this.limits.refreshMillis)
    }
    for (const session of this.sessions.values()) {
      due = Math.min(due, session.idleSince + this.limits.idleMillis)
    }
    return due
  }

  private tick(now: number): void {
    this.permits.expire(now)
    for (const link of this.links) {
      if (!link.isOpen) continue
      if (link.deadline <= now && !link.expire(now)) {
        this.closedLinks("silent", 1)
        link.close("silent")
        // Perhaps nobody waited for its reply any more.
        this.trouble(link.node)
      } else if (!link.isLocal && link.quietSince + this.limits.refreshMillis <= now) {
        link.send(ping, this.limits.commandMillis, (outcome) => {
          if (Exit.isFailure(outcome)) this.judge(link, outcome.cause)
        })
      }
    }
    for (const session of this.sessions.values()) {
      this.closedLinks("expired", session.closeIdle(now - this.limits.idleMillis))
    }
    this.sweep()
    if (this.refreshAt <= now && !this.isRefreshing) {
      this.isRefreshing = true
      this.fork(this.refresh)
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
    ),
    Effect.zipRight(Effect.suspend(() => this.notices.end))
  )
}

const recording = <A, E>(
  effect: Effect.Effect<A, E>,
  record: (exit: Exit.Exit<unknown, unknown>) => void
): Effect.Effect<A, E> => Effect.onExit(effect, (exit) => Effect.sync(() => record(exit)))

const tagOf = (error: unknown): unknown =>
  typeof error === "object" && error !== null && "_tag" in error ? error._tag : undefined

const isDialError = <E extends CommandError | NodeLeaving>(error: E): error is E & DialError =>
  error._tag === "ConnectionError" || error._tag === "NotAuthenticated"

const isConnectionError = (error: unknown): error is ConnectionError => tagOf(error) === "ConnectionError"

/**
 * Whether a node refused a command because of the state that the node is in. Then it has not carried it out, and another one may.
 * A queue that is paused or too long is not in such a state, nor is a cluster that has too few nodes for so many copies.
 */
const isUnfit = (error: unknown): boolean =>
  Predicate.hasProperty(error, "reply") && tagOf(error) === "NotReplicated"
    ? String(error.reply).includes("unable to hold a copy")
    : unfit.has(tagOf(error))

const unfit: ReadonlySet<unknown> = new Set(["NodeLeaving", "NodeLoading", "NotPersisted", "OutOfMemory"])

/** Whether it is this command that the node answered with NOAUTH: its link may be older than the password. */
const isTurnedAway = (error: unknown, { name }: Command<unknown, unknown>): boolean =>
  Predicate.hasProperty(error, "command") && tagOf(error) === "NotAuthenticated" && error.command === name

/** Tries something again that failed for want of a password. Where there is none, the first failure says so. */
const once = <A, E>(again: Effect.Effect<A, E>, failure: E): Effect.Effect<A, E> =>
  Effect.mapError(again, (error) => (tagOf(error) === "NotAuthenticated" ? failure : error))
