/** Many commands at once, in one wait: this costs less than as many fibers would. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type { Command } from "../Command.js"
import type { CommandError } from "../DisqueError.js"
import { tracerOf, withFiber } from "../internal/runtime.js"
import type { WatchedLink } from "../links/watchedLink.js"
import type { Outcome } from "./recovery.js"

/** What a batch needs. */
interface Needs {
  readonly now: () => number
  readonly routes: { linkNow(command: Command<unknown, unknown>): WatchedLink | undefined }
  /** Runs an effect apart from the caller, until the client closes. */
  readonly fork: (effect: Effect.Effect<unknown>) => void
  /** Sends one command, over the link that it gets. */
  readonly execute: <A, E>(command: Command<A, E>) => Effect.Effect<A, E | CommandError>
  /** Sends a command over an open link. */
  readonly send: <A, E>(
    link: WatchedLink,
    command: Command<A, E>,
    now: number,
    done: (outcome: Outcome<A, E | CommandError>) => void
  ) => void
}

/** Sends many commands at once, and gives the result of each, in their order. */
export const executeAll = <A, E>(
  { execute, fork, now, routes, send }: Needs,
  commands: ReadonlyArray<Command<A, E>>
): Effect.Effect<ReadonlyArray<Either.Either<A, E | CommandError>>> => {
  const [first] = commands
  if (first === undefined) return Effect.succeed([])
  return withFiber((fiber) => {
    if (tracerOf(fiber) !== undefined || routes.linkNow(first) === undefined) {
      return Effect.forEach(commands, (command) => Effect.either(execute(command)), { concurrency: "unbounded" })
    }
    return Effect.async((resume) => {
      const results = new Array<Either.Either<A, E | CommandError>>(commands.length)
      let left = commands.length
      const end = (i: number, exit: Exit.Exit<A, E | CommandError>) => {
        if (Exit.isSuccess(exit)) {
          results[i] = Either.right(exit.value)
        } else {
          const failure = Cause.failureOrCause(exit.cause)
          // This fiber is not interrupted, and a link has no defects: here the client closes, and nobody waits for the others.
          if (Either.isRight(failure)) return resume(Effect.failCause(failure.right))
          results[i] = Either.left(failure.left)
        }
        left -= 1
        if (left === 0) resume(Effect.succeed(results))
      }
      const later = (i: number, effect: Effect.Effect<A, E | CommandError>) =>
        fork(Effect.map(Effect.exit(effect), (exit) => end(i, exit)))
      const began = now()
      for (const [i, command] of commands.entries()) {
        const link = routes.linkNow(command)
        if (link === undefined) {
          later(i, execute(command))
        } else {
          send(link, command, began, (outcome) => {
            if (Exit.isExit(outcome)) end(i, outcome)
            else later(i, outcome)
          })
        }
      }
    })
  })
}
