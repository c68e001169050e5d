/** Executes commands: each is sent over its link, its reply is read, and after some failures it is sent again. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { type Command, lost } from "../Command.js"
import { type CommandError, ConnectionError } from "../DisqueError.js"
import type { DialError } from "../DisqueLink.js"
import { currentFiber, interruption, tracerOf, withFiber } from "../internal/runtime.js"
import * as telemetry from "../internal/telemetry.js"
import * as Time from "../internal/time.js"
import type { WatchedLink } from "../links/watchedLink.js"
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

export class Executor {
  private readonly needs: Needs
  private readonly recovery: Recovery

  constructor(needs: Needs) {
    this.needs = needs
    this.recovery = new Recovery({
      now: needs.now,
      limits: needs.limits,
      topology: needs.cluster.topology,
      begin: (command, recovers, since, resume) => this.begin(command, recovers, since, resume)
    })
  }

  /** Sends a command to the node that it belongs to, and gives the result in its reply. */
  execute<A, E>(command: Command<A, E>): Effect.Effect<A, E | CommandError> {
    return Effect.async((resume) => {
      const fiber = currentFiber()
      const tracer = tracerOf(fiber)
      if (tracer === undefined) {
        this.begin(command, true, this.needs.now(), resume)
        return
      }
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
        send: (link, command, since, done) => this.send(link, command, true, since, done)
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

  /** Sends a command now if its link is open, or else once it is. The caller began at `since`. */
  private begin<A, E>(
    command: Command<A, E>,
    recovers: boolean,
    since: number,
    resume: (outcome: Outcome<A, E | CommandError>) => void
  ): void {
    const { routes } = this.needs
    const link = routes.linkNow(command)
    if (link !== undefined) this.send(link, command, recovers, since, resume)
    else resume(this.sendOver(routes.link(command), command, routes.nodeOf(command), recovers, since))
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
    return Effect.async((resume) => this.send(link, command, recovers, since, resume))
  }

  /** Sends a command over an open link. `done` is given its exit, or the effect that sends it again. */
  private send<A, E>(
    link: WatchedLink,
    command: Command<A, E>,
    recovers: boolean,
    since: number,
    done: (outcome: Outcome<A, E | CommandError>) => void
  ): void {
    const sentAt = this.needs.now()
    this.needs.refresh.ifStale(sentAt)
    link.send(
      command.wire,
      this.recovery.millisFor(command),
      (outcome, isLate) => {
        const exit = Exit.isSuccess(outcome)
          ? command.decode(outcome.value, link.node)
          : Exit.failCause(lost(command, link.node, outcome.cause))
        telemetry.measure(command.name, command.queue, (isLate ? this.needs.now() : link.lastReplyAt) - sentAt, exit)
        if (Exit.isFailure(exit) && !isLate) {
          this.needs.links.commandFailed(link, Exit.isFailure(outcome) ? outcome.cause : exit.cause)
          done((recovers ? this.recovery.after(command, exit.cause, since) : undefined) ?? exit)
        } else {
          done(exit)
        }
      },
      sentAt,
      sentAt - since
    )
    this.needs.expect(link.deadline)
  }
}
