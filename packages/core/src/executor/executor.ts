/** Executes commands: each is sent over its link, its reply is read, and after some failures it is sent again. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import { type Command, lost } from "../Command.js"
import { type CommandError, ConnectionError } from "../DisqueError.js"
import type { DialError } from "../DisqueLink.js"
import {
  currentFiber,
  interruption,
  type RunningFiber,
  resumeTogether,
  tracerOf,
  wait,
  withFiber
} from "../internal/runtime.js"
import * as telemetry from "../internal/telemetry.js"
import * as Time from "../internal/time.js"
import { Pending, type WatchedLink } from "../links/watchedLink.js"
import type { Reply } from "../Reply.js"
import { executeAll } from "./batch.js"
import { isTurnedAway, type Outcome, once, Recovery, type RecoveryLimits } from "./recovery.js"
import { recorder, recording, type SpanNeeds } from "./spans.js"

/** What the executor needs. */
interface Needs {
  readonly clock: SpanNeeds["clock"]
  readonly now: () => number
  /** The links for commands. */
  readonly routes: {
    nodeOf(command: Command<unknown, unknown>): string
    linkNow(command: Command<unknown, unknown>): WatchedLink | undefined
    link(command: Command<unknown, unknown>): Effect.Effect<WatchedLink, DialError>
    linkToNow(node: string): WatchedLink | undefined
    linkTo(node: string): Effect.Effect<WatchedLink, DialError>
  }
  readonly links: {
    /** Notes why a command failed. */
    commandFailed(link: WatchedLink, cause: Cause.Cause<unknown>): void
  }
  readonly cluster: { readonly topology: { readonly hasFit: boolean } }
  readonly refresh: { ifStale(now: number): void }
  /** Has the deadlines of links looked at at the time given. */
  readonly expect: (at: number) => void
  /** Runs an effect apart from the caller, until the client closes. */
  readonly fork: (effect: Effect.Effect<unknown>) => void
  readonly limits: RecoveryLimits
}

type Ended<A, E> = (outcome: Outcome<A, E | CommandError>) => void

/** What a command that was sent needs. */
interface SentNeeds extends Pick<Needs, "now" | "links"> {
  readonly recovery: Recovery
}

/** A command that was sent over a link. */
class Sent<A, E> extends Pending {
  private readonly needs: SentNeeds
  private readonly command: Command<A, E>
  private readonly link: WatchedLink
  private readonly recovers: boolean
  private readonly since: number
  private readonly at: number
  private readonly ended: Ended<A, E>
  /** The fiber that waits, if it is one. */
  private readonly fiber: RunningFiber | undefined

  /** The caller began at `since`, and the command is sent at `at`. */
  constructor(
    needs: SentNeeds,
    command: Command<A, E>,
    link: WatchedLink,
    recovers: boolean,
    since: number,
    at: number,
    ended: Ended<A, E>,
    fiber: RunningFiber | undefined
  ) {
    super(command.wire, needs.recovery.millisFor(command))
    this.needs = needs
    this.command = command
    this.link = link
    this.recovers = recovers
    this.since = since
    this.at = at
    this.ended = ended
    this.fiber = fiber
  }

  done(outcome: Exit.Exit<Reply, ConnectionError>, isLate: boolean): void {
    const { at, command, ended, fiber, link, needs, recovers, since } = this
    const exit = Exit.isSuccess(outcome)
      ? command.decode(outcome.value, link.node)
      : Exit.failCause(lost(command, link.node, outcome.cause))
    telemetry.measure(command.name, command.queue, (isLate ? needs.now() : link.lastReplyAt) - at, exit)
    let end: Outcome<A, E | CommandError> = exit
    if (Exit.isFailure(exit) && !isLate) {
      needs.links.commandFailed(link, Exit.isFailure(outcome) ? outcome.cause : exit.cause)
      if (recovers) end = needs.recovery.after(command, exit.cause, since) ?? exit
    }
    if (fiber === undefined) ended(end)
    else resumeTogether(fiber, ended, end)
  }
}

export class Executor {
  private readonly needs: Needs
  private readonly recovery: Recovery
  private readonly sentNeeds: SentNeeds

  constructor(needs: Needs) {
    this.needs = needs
    this.recovery = new Recovery({
      now: needs.now,
      limits: needs.limits,
      topology: needs.cluster.topology,
      begin: (command, recovers, since, resume) => this.begin(command, recovers, since, resume)
    })
    this.sentNeeds = { now: needs.now, links: needs.links, recovery: this.recovery }
  }

  /** Sends a command to the node that it belongs to, and gives the result in its reply. */
  execute<A, E>(command: Command<A, E>): Effect.Effect<A, E | CommandError> {
    return wait((resume) => {
      const fiber = currentFiber()
      const tracer = tracerOf(fiber)
      const now = this.needs.now()
      if (tracer === undefined) this.begin(command, true, now, resume, fiber, now)
      else resume(this.traced(command, tracer, fiber))
    })
  }

  private traced<A, E>(
    command: Command<A, E>,
    tracer: Tracer.Tracer,
    fiber: RunningFiber
  ): Effect.Effect<A, E | CommandError> {
    return Effect.async((resume) => {
      const record = recorder(this.needs, command, undefined, tracer, fiber)
      this.begin(command, true, this.needs.now(), (outcome) => {
        if (Exit.isExit(outcome)) record(outcome)
        resume(Exit.isExit(outcome) ? outcome : recording(outcome, record))
      })
      return Effect.sync(() => record(interruption(fiber)))
    })
  }

  /** Sends many commands at once, and gives the result of each, in their order. */
  executeAll<A, E>(
    commands: ReadonlyArray<Command<A, E>>
  ): Effect.Effect<ReadonlyArray<Either.Either<A, E | CommandError>>> {
    return executeAll(
      {
        now: this.needs.now,
        routes: this.needs.routes,
        fork: this.needs.fork,
        execute: (command) => this.execute(command),
        send: (link, command, now, done) => this.send(link, command, true, now, done, undefined, now)
      },
      commands
    )
  }

  /** Sends a command to the node given, and to no other. */
  executeOn<A, E>(node: string, command: Command<A, E>): Effect.Effect<A, E | CommandError> {
    return withFiber((fiber) => {
      const effect = this.ask(node, command)
      const tracer = tracerOf(fiber)
      return tracer === undefined ? effect : recording(effect, recorder(this.needs, command, node, tracer, fiber))
    })
  }

  /** The same without a span. If the node turned an old link away, the command is sent once more over a new one. */
  ask<A, E>(node: string, command: Command<A, E>): Effect.Effect<A, E | CommandError> {
    return Effect.suspend(() => {
      const since = this.needs.now()
      const { routes } = this.needs
      const send = Effect.suspend(() => {
        const link = routes.linkToNow(node)
        return link === undefined
          ? this.sendOver(routes.linkTo(node), command, node, false, since)
          : this.exchange(link, command, false, since)
      })
      return Effect.catchAll(send, (error) => (isTurnedAway(error, command) ? once(send, error) : Effect.fail(error)))
    })
  }

  /** Sends a command now if its link is open, or else once it is. The caller began at `since`. `now` saves a look at the clock. */
  private begin<A, E>(
    command: Command<A, E>,
    recovers: boolean,
    since: number,
    ended: Ended<A, E>,
    fiber?: RunningFiber,
    now?: number
  ): void {
    const { routes } = this.needs
    const link = routes.linkNow(command)
    if (link !== undefined) this.send(link, command, recovers, since, ended, fiber, now)
    else ended(this.sendOver(routes.link(command), command, routes.nodeOf(command), recovers, since))
  }

  /** Waits for a link, no longer than for the command, and sends the command over it. */
  private sendOver<A, E>(
    link: Effect.Effect<WatchedLink, DialError>,
    command: Command<A, E>,
    node: string,
    recovers: boolean,
    since: number
  ): Effect.Effect<A, E | CommandError> {
    const left = Math.max(0, since + this.recovery.millisFor(command) - this.needs.now())
    return Effect.flatMap(Time.timeoutOption(Effect.interruptible(link), left), (link) =>
      Option.isSome(link)
        ? this.exchange(link.value, command, recovers, since)
        : Effect.fail(new ConnectionError({ node, reason: "unsent" }))
    )
  }

  private exchange<A, E>(
    link: WatchedLink,
    command: Command<A, E>,
    recovers: boolean,
    since: number
  ): Effect.Effect<A, E | CommandError> {
    return wait((resume) => this.send(link, command, recovers, since, resume))
  }

  /** Sends a command over an open link. `ended` is given its exit, or the effect that sends it again. */
  private send<A, E>(
    link: WatchedLink,
    command: Command<A, E>,
    recovers: boolean,
    since: number,
    ended: Ended<A, E>,
    fiber?: RunningFiber,
    now: number = this.needs.now()
  ): void {
    this.needs.refresh.ifStale(now)
    link.transmit(new Sent(this.sentNeeds, command, link, recovers, since, now, ended, fiber), now, now - since)
    this.needs.expect(link.deadline)
  }
}
