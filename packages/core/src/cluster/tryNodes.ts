/** Trying one node after the other until one of them does. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { type CommandError, ConnectionError, type NodeLeaving } from "../DisqueError.js"
import type { DialError } from "../DisqueLink.js"
import { makeDeferred } from "../internal/runtime.js"

/** If a node has not answered after this time, the next one is tried too. */
export const staggerMillis = 250

/**
 * Tries nodes until one succeeds: each next one as soon as the one before has failed, or has not answered for `stagger` milliseconds.
 * The other attempts are interrupted then. Errors are added to `failures`; the effect fails when all nodes have.
 */
export const tryNodes = <A, E>(
  nodes: ReadonlyArray<string>,
  failures: Array<E>,
  attempt: (node: string) => Effect.Effect<A, E>,
  stagger = staggerMillis
): Effect.Effect<A, void> =>
  Effect.suspend(() => {
    const won = makeDeferred<A, void>()
    const attemptOn = (node: string, failed: Deferred.Deferred<void>) =>
      Effect.matchCause(attempt(node), {
        onFailure: (cause) => {
          const failure = Cause.failureOption(cause)
          if (Option.isSome(failure)) failures.push(failure.value)
          else if (!Cause.isInterrupted(cause)) Deferred.unsafeDone(won, Exit.die(Cause.squash(cause)))
          Deferred.unsafeDone(failed, Effect.void)
        },
        onSuccess: (value) => Deferred.unsafeDone(won, Exit.succeed(value))
      })
    // One loop rather than attempts within attempts: there may be a thousand nodes.
    const tryAll = Effect.gen(function* () {
      const attempts: Array<Fiber.Fiber<void>> = []
      for (const node of nodes) {
        const failed = makeDeferred<void>()
        attempts.push(yield* Effect.fork(attemptOn(node, failed)))
        if (attempts.length < nodes.length) yield* Effect.timeoutOption(Deferred.await(failed), stagger)
      }
      for (const fiber of attempts) yield* Fiber.await(fiber)
      Deferred.unsafeDone(won, Exit.fail(undefined))
    })
    // The attempts can be interrupted even if the caller cannot, for example in a finalizer.
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.fork(Effect.interruptible(tryAll)), (fiber) =>
        Effect.ensuring(restore(Deferred.await(won)), Fiber.interrupt(fiber))
      )
    )
  })

/** Fails for several nodes that failed: with what one of them said, or else because none could be reached. */
export const allFailed = <E extends CommandError | NodeLeaving>(
  failures: ReadonlyArray<E>
): Effect.Effect<never, E | ConnectionError> => {
  const said = failures.find(({ _tag }) => _tag !== "ConnectionError")
  const [only] = failures
  if (said !== undefined) return Effect.fail(said)
  if (only !== undefined && failures.length === 1) return Effect.fail(only)
  const node = failures.map(({ node }) => node).join(", ")
  return Effect.fail(new ConnectionError({ node, reason: "unreachable", attempts: dialErrors(failures) }))
}

/** The errors that say why a node could not be reached. */
export const dialErrors = <E extends CommandError | NodeLeaving>(
  failures: ReadonlyArray<E>
): ReadonlyArray<DialError> => [...failures].filter(isDialError)

const isDialError = <E extends CommandError | NodeLeaving>(error: E): error is E & DialError =>
  error._tag === "ConnectionError" || error._tag === "NotAuthenticated"
