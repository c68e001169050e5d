/** The options of connections and pools, with their defaults, checked. */
import type * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import type { InvalidArgument } from "../DisqueError.js"
import * as argument from "./argument.js"
import type { Limits } from "./client.js"

/** Options that connections and pools share. */
export interface ConnectionOptions {
  /** How long a node may take to answer a command, beyond the time that the command itself gives it; 5 seconds. */
  readonly commandTimeout?: Duration.DurationInput | undefined
  /**
   * The longest that one GETJOB waits on the node; 2 seconds. A longer wait is cut into such slices, because Disque loses the
   * delivery of a job whose reply nobody reads: closing waits for the slice that is under way.
   */
  readonly slice?: Duration.DurationInput | undefined
  /** The most connections in use at a time: calls that wait for jobs, and connections taken out of a pool. */
  readonly maxActive?: number | undefined
  /** The most links kept open for the next wait. */
  readonly maxIdle?: number | undefined
  /** How long a link is kept open without use; 200 seconds. */
  readonly idleTimeToLive?: Duration.DurationInput | undefined
  /** The most calls that may stand in line for a connection; 1024. */
  readonly maxWaiting?: number | undefined
  /** How long a call stands in line for a connection; 5 seconds. */
  readonly acquireTimeout?: Duration.DurationInput | undefined
}

/** Checks the options. */
export const check = (
  subject: string,
  options: ConnectionOptions,
  defaults: { readonly maxActive: number; readonly maxIdle: number }
): Either.Either<Limits, InvalidArgument> =>
  Either.all({
    commandMillis: argument.wait(subject, "commandTimeout", options.commandTimeout ?? "5 seconds", 1),
    sliceMillis: argument.wait(subject, "slice", options.slice ?? "2 seconds", 1),
    maxActive: argument.count(subject, "maxActive", options.maxActive ?? defaults.maxActive, 1, 65_535),
    maxIdle: argument.count(subject, "maxIdle", options.maxIdle ?? defaults.maxIdle, 0, 65_535),
    idleMillis: argument.wait(subject, "idleTimeToLive", options.idleTimeToLive ?? "200 seconds", 1),
    maxWaiting: argument.count(subject, "maxWaiting", options.maxWaiting ?? 1024, 0, 1_000_000),
    acquireMillis: argument.wait(subject, "acquireTimeout", options.acquireTimeout ?? "5 seconds", 0)
  })
