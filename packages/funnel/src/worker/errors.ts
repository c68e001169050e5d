/** The errors that a worker makes of what its handler does. */
import { toJson } from "@disco/core/internal"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Predicate from "effect/Predicate"
import { isError, textOf } from "../internal/failure.js"

const GiveUpTypeId = "~@disco/funnel/GiveUp"

/**
 * The handler died: it threw, a promise of it was rejected, or it interrupted itself.
 *
 * @see {@link GiveUp}
 * @since 0.1.0
 * @category errors
 */
export class HandlerDied extends Data.TaggedError("HandlerDied")<{
  readonly cause: unknown
}> {
  override get message(): string {
    const text = textOf(this.cause)
    return isError(this.cause) ? text : `the handler died: ${text}`
  }
  /** As `JSON.stringify` shows it, without the cause: a handler may throw anything. */
  override toJSON(): unknown {
    return { _tag: this._tag, message: this.message }
  }
}

/**
 * The error of a handler whose job is not to be tried again; see `giveUp`.
 *
 * @example
 * ```ts
 * import { JobQueue } from "@disco/core"
 * import { Worker } from "@disco/funnel"
 * import { Effect, Schema } from "effect"
 *
 * const emails = JobQueue.make("emails", { payload: Schema.String })
 *
 * // The hook is given the error itself where a handler has given a job up, and `HandlerDied` where it threw.
 * const program = Worker.run(emails, (to) => Effect.fail(new Worker.GiveUp({ error: `no address: ${to}` })), {
 *   onFailure: ({ error }) =>
 *     error instanceof Worker.HandlerDied ? Effect.logError("a bug", error.cause) : Effect.logWarning(error)
 * })
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class GiveUp<out E> extends Data.TaggedError("GiveUp")<{
  readonly error: unknown
}> {
  declare readonly error: E
  readonly [GiveUpTypeId] = GiveUpTypeId
  override get message(): string {
    return textOf(this.error)
  }
  /** As `JSON.stringify` shows it. */
  override toJSON(): unknown {
    return { _tag: this._tag, message: this.message, error: toJson(this.error) }
  }
}

/** The first `GiveUp` among the failures and defects of a cause. */
export const giveUpIn = (cause: Cause.Cause<unknown>): GiveUp<unknown> | undefined => {
  for (const found of [...Cause.failures(cause), ...Cause.defects(cause)]) if (isGiveUp(found)) return found
  return undefined
}

// Another copy of this module may have made the value, and a value may throw when a property of it is read.
const isGiveUp = (value: unknown): value is GiveUp<unknown> => {
  try {
    return Predicate.hasProperty(value, GiveUpTypeId)
  } catch {
    return false
  }
}
