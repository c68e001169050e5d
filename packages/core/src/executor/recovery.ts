/**
 * Which commands are sent again after a failure: a command that a node refused unexecuted may go to another node, and an idempotent
 * one may be repeated. No other command is.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import type { Command } from "../Command.js"
import { isConnectionError, isUnfit, tagOf } from "../cluster/failures.js"
import type { CommandError, ConnectionError } from "../DisqueError.js"
import * as Time from "../internal/time.js"

/** How a command ended, or the effect that sends it again. */
export type Outcome<A, E> = Exit.Exit<A, E> | Effect.Effect<A, E>

export interface RecoveryLimits {
  readonly commandMillis: number
  readonly retry: Schedule.Schedule<unknown, ConnectionError>
}

/** What the recovery needs. */
interface Needs {
  readonly now: () => number
  readonly limits: RecoveryLimits
  readonly topology: { readonly hasFit: boolean }
  /** Sends a command. Its time began at `since`; `recovers` says whether it may be sent again after that. */
  readonly begin: <A, E>(
    command: Command<A, E>,
    recovers: boolean,
    since: number,
    resume: (outcome: Outcome<A, E | CommandError>) => void
  ) => void
}

export class Recovery {
  private readonly needs: Needs

  constructor(needs: Needs) {
    this.needs = needs
  }

  /** How long a command is waited for in all. */
  millisFor(command: Command<unknown, unknown>): number {
    return command.serverMillis + this.needs.limits.commandMillis
  }

  /** The effect that sends a command again after it failed; undefined if the failure is final. */
  after<A, E>(
    command: Command<A, E>,
    cause: Cause.Cause<E | CommandError>,
    since: number
  ): Effect.Effect<A, E | CommandError> | undefined {
    const failure = Option.getOrUndefined(Cause.failureOption(cause))
    if (failure === undefined) return undefined
    const moved = this.begun(command, true, () => since)
    if (this.mayMove(command, failure, since)) return moved
    const orMoved = (effect: Effect.Effect<A, E | CommandError>): Effect.Effect<A, E | CommandError> =>
      Effect.catchAll(effect, (error) => (this.mayMove(command, error, since) ? moved : Effect.fail(error)))
    if (isTurnedAway(failure, command))
      return orMoved(
        once(
          this.begun(command, false, () => since),
          failure
        )
      )
    if (!this.mayRepeat(command, failure, since)) return undefined
    return orMoved(this.repeated(command, failure, since))
  }

  private begun<A, E>(
    command: Command<A, E>,
    recovers: boolean,
    since: () => number
  ): Effect.Effect<A, E | CommandError> {
    return Effect.async((resume) => this.needs.begin(command, recovers, since(), resume))
  }

  private hasTime(command: Command<unknown, unknown>, since: number): boolean {
    return this.needs.now() - since < this.millisFor(command)
  }

  /** Whether another node may be asked. A job that has a holder is that node's to deal with. */
  private mayMove(command: Command<unknown, unknown>, error: unknown, since: number): boolean {
    return command.holder === undefined && isUnfit(error) && this.needs.topology.hasFit && this.hasTime(command, since)
  }

  /** Whether a command may be sent once more. After a silence, which lasted long, only another node is worth an attempt. */
  private mayRepeat(command: Command<unknown, unknown>, error: unknown, since: number): error is ConnectionError {
    if (!isConnectionError(error)) return false
    const { reason } = error
    if (reason === "unsent") return this.hasTime(command, since)
    return command.isIdempotent && (reason === "lost" || (reason === "silent" && this.needs.topology.hasFit))
  }

  /** Sends a command again, as often and as late as the schedule says. */
  private repeated<A, E>(
    command: Command<A, E>,
    failure: ConnectionError,
    since: number
  ): Effect.Effect<A, E | CommandError> {
    // An attempt after which the command may have run has the whole time; otherwise an attempt has the time that is left.
    let from = since
    let last = failure
    let isFirst = true
    const again = this.begun(command, false, () => from)
    const attempt = Effect.suspend(() => {
      if (isFirst) {
        isFirst = false
        return Effect.fail<E | CommandError>(failure)
      }
      if (last.reason !== "unsent") from = this.needs.now()
      else if (!this.mayRepeat(command, last, from)) return Effect.fail<E | CommandError>(last)
      return again
    })
    const retrying = Effect.retry(attempt, {
      while: (error) => {
        if (!this.mayRepeat(command, error, from)) return false
        last = error
        return true
      },
      schedule: Schedule.mapInput(this.needs.limits.retry, (error: E | CommandError) => error as ConnectionError)
    })
    return Effect.flatMap(Effect.clock, (clock) => Effect.withClock(retrying, Time.clockOfAttempts(clock)))
  }
}

/** Whether the node answered this very command with NOAUTH: its link may be older than the password. */
export const isTurnedAway = (error: unknown, { name }: Command<unknown, unknown>): boolean =>
  Predicate.hasProperty(error, "command") && tagOf(error) === "NotAuthenticated" && error.command === name

/** Tries again what failed for want of a password. If the password is still missing, the first failure says so. */
export const once = <A, E>(again: Effect.Effect<A, E>, failure: E): Effect.Effect<A, E> =>
  Effect.mapError(again, (error) => (tagOf(error) === "NotAuthenticated" ? failure : error))
