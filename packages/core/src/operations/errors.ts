/** Failures of what is done on every node of a cluster: some nodes did it, and others did not. */
import * as Data from "effect/Data"
import type { CommandError } from "../DisqueError.js"
import type { Failure } from "../internal/remedy.js"

/**
 * A node was told to change something, and said afterwards that it is not so. Another client may have changed it meanwhile.
 *
 * @example
 * ```ts
 * import { Cluster } from "@disco/core"
 * import { Effect } from "effect"
 *
 * const program = Cluster.undrain("10.0.0.3:7711").pipe(
 *   Effect.catchTag("NotVerified", ({ actual, node }) => Effect.logError(`${node} was told to stay, and says ${actual}`))
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class NotVerified
  extends Data.TaggedError("NotVerified")<{
    readonly node: string
    /** What the node says. */
    readonly actual: string
    /** What it was told. */
    readonly expected: string
  }>
  implements Failure
{
  readonly remedy = "later"
  readonly isRetryable = true
  override get message(): string {
    return `${this.node} says ${this.actual}, expected ${this.expected}`
  }
}

/**
 * A node that did not do its part, and why.
 *
 * @since 0.1.0
 * @category errors
 */
export interface NodeFailure {
  /** The address of the node. */
  readonly node: string
  /** A node that says nothing in time fails with a `ConnectionError` whose reason is `silent`. */
  readonly error: CommandError | NotVerified
}

/**
 * Something was to be done on every node of the cluster, and some nodes did not do it. The others did.
 *
 * @example
 * ```ts
 * import { Cluster } from "@disco/core"
 * import { Effect } from "effect"
 *
 * // Says on which nodes the queue is paused now, and on which it is not.
 * const program = Cluster.pause("emails", "in").pipe(
 *   Effect.tapErrorTag("NotOnEveryNode", ({ done, failures }) =>
 *     Effect.logError(`paused on ${done.join(", ")}, and not on ${failures.map(({ node }) => node).join(", ")}`)
 *   ),
 *   // What was not done may be done a moment later.
 *   Effect.retry({ while: ({ isRetryable }) => isRetryable, times: 3 })
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class NotOnEveryNode
  extends Data.TaggedError("NotOnEveryNode")<{
    /** What was to be done, in words. */
    readonly operation: string
    /** The addresses of the nodes that did it. */
    readonly done: ReadonlyArray<string>
    /** The nodes that did not do it; at least one. */
    readonly failures: ReadonlyArray<NodeFailure>
  }>
  implements Failure
{
  readonly remedy = "later"
  readonly isRetryable = true
  override get message(): string {
    const all = this.done.length + this.failures.length
    const reasons = this.failures.map(({ error }) => error.message).join("; ")
    return `${this.operation}: done on ${this.done.length} of ${all} nodes; ${reasons}`
  }
}
