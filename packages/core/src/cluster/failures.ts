/** What an error says about the node that it came from. */
import * as Predicate from "effect/Predicate"
import type { ConnectionError } from "../DisqueError.js"

/** The tag of an error; undefined if it has none. */
export const tagOf = (error: unknown): unknown =>
  typeof error === "object" && error !== null && "_tag" in error ? error._tag : undefined

export const isConnectionError = (error: unknown): error is ConnectionError => tagOf(error) === "ConnectionError"

/**
 * Whether a node refused a command because of the state that the node is in. Then it has not carried the command out, and another
 * node may. A queue that is paused or too long is no such state, nor is a cluster with too few nodes for so many copies.
 */
export const isUnfit = (error: unknown): boolean =>
  Predicate.hasProperty(error, "reply") && tagOf(error) === "NotReplicated"
    ? String(error.reply).includes("unable to hold a copy")
    : unfit.has(tagOf(error))

const unfit: ReadonlySet<unknown> = new Set(["NodeLeaving", "NodeLoading", "NotPersisted", "OutOfMemory"])
