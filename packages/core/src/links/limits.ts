/** The options of connections and pools, with their defaults, checked. */
import type * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Schedule from "effect/Schedule"
import { expectedAddress, readAddress } from "../cluster/address.js"
import { type ConnectionError, InvalidArgument } from "../DisqueError.js"
import * as OptionReader from "../internal/optionReader.js"

/** Options that connections and pools share. */
export interface ConnectionOptions {
  /**
   * How long a command may take from its call to its end, beyond the time that it gives the node itself; 5 seconds. The time stands
   * still while those that were sent before it on its link are answered within 100 ms each.
   */
  readonly commandTimeout?: Duration.DurationInput | undefined
  /**
   * The longest that one GETJOB waits on the node; 500 ms. A longer wait is cut into such slices, because Disque loses the
   * delivery of a job whose reply nobody reads: closing waits for the slice that is under way. Each wait costs one command for
   * each slice.
   */
  readonly slice?: Duration.DurationInput | undefined
  /**
   * The most connections in use at a time: calls that wait for jobs, and connections taken out of a pool. Over as many links more
   * go the adds of a pool that wait for copies, because one link has to wait for one of them after the other; over up to twice as
   * many where 8 adds and more wait on each.
   */
  readonly maxActive?: number | undefined
  /** The most links kept open for the next wait; those of consumers are kept beside. */
  readonly maxIdle?: number | undefined
  /** How long a link is kept open without use; 200 seconds. */
  readonly idleTimeToLive?: Duration.DurationInput | undefined
  /** The most calls that may stand in line for a connection; 1024. */
  readonly maxWaiting?: number | undefined
  /** How long a call stands in line for a connection; 5 seconds. */
  readonly acquireTimeout?: Duration.DurationInput | undefined
  /**
   * When a command whose reply never came is sent again, where that can do no harm (all but ADDJOB and a few that administer
   * a node): three times within half a second unless told otherwise. `Schedule.stop` sends nothing twice.
   */
  readonly retry?: Schedule.Schedule<unknown, ConnectionError> | undefined
  /**
   * How old what is known of the cluster may be when it is used: then it is asked anew (HELLO). A link over a network that was
   * not used for so long is tried (PING). 30 seconds.
   */
  readonly refreshInterval?: Duration.DurationInput | undefined
  /**
   * For few connections: jobs are fetched from one node, and after so many of them from the node that most of them come from.
   * Without it, a funnel or a worker fetches from all nodes at once.
   */
  readonly cycle?: number | undefined
  /**
   * Where the nodes are for this program, by the addresses at which they know each other: for containers and address
   * translation, `{ "172.28.77.11:7711": "localhost:7711" }`.
   */
  readonly addressMap?: Readonly<Record<string, string>> | undefined
}

/** The options of a connection or a pool, checked and in numbers. */
export interface Limits {
  readonly commandMillis: number
  readonly sliceMillis: number
  readonly maxActive: number
  readonly maxIdle: number
  readonly idleMillis: number
  readonly maxWaiting: number
  readonly acquireMillis: number
  readonly retry: Schedule.Schedule<unknown, ConnectionError>
  readonly refreshMillis: number
  readonly cycle: number | undefined
  readonly addressMap: Readonly<Record<string, string>>
  /** The most links to a node for commands that wait for copies, or half of the most when such commands pile up. */
  readonly replicationLinks: number
}

const retry: Limits["retry"] = Schedule.exponential("50 millis").pipe(
  Schedule.jittered,
  Schedule.intersect(Schedule.recurs(3))
)

const addressMap = (
  subject: string,
  map: Readonly<Record<string, string>>
): Either.Either<Limits["addressMap"], InvalidArgument> => {
  const entries: Array<[string, string]> = []
  for (const [told, at] of Object.entries(map)) {
    const address = readAddress(at)
    // It may be one with a password.
    const value = "an address that cannot be read"
    if (address === undefined) {
      return Either.left(new InvalidArgument({ subject, argument: "addressMap", value, expected: expectedAddress }))
    }
    entries.push([told, address])
  }
  return Either.right(Object.fromEntries(entries))
}

/** Checks the options. */
export const check = (
  subject: string,
  options: ConnectionOptions,
  defaults: { readonly maxActive: number; readonly maxIdle: number; readonly hasReplicationLinks: boolean }
): Either.Either<Limits, InvalidArgument> =>
  Either.all({
    commandMillis: OptionReader.duration(subject, "commandTimeout", options.commandTimeout ?? "5 seconds", 1),
    sliceMillis: OptionReader.duration(subject, "slice", options.slice ?? "500 millis", 1),
    maxActive: OptionReader.count(subject, "maxActive", options.maxActive ?? defaults.maxActive, 1, 65_535),
    maxIdle: OptionReader.count(subject, "maxIdle", options.maxIdle ?? defaults.maxIdle, 0, 65_535),
    idleMillis: OptionReader.duration(subject, "idleTimeToLive", options.idleTimeToLive ?? "200 seconds", 1),
    maxWaiting: OptionReader.count(subject, "maxWaiting", options.maxWaiting ?? 1024, 0, 1_000_000),
    acquireMillis: OptionReader.duration(subject, "acquireTimeout", options.acquireTimeout ?? "5 seconds", 0),
    retry: OptionReader.schedule(subject, "retry", options.retry ?? retry),
    refreshMillis: OptionReader.duration(subject, "refreshInterval", options.refreshInterval ?? "30 seconds", 100),
    cycle:
      options.cycle === undefined
        ? Either.right(undefined)
        : OptionReader.count(subject, "cycle", options.cycle, 1, Number.MAX_SAFE_INTEGER),
    addressMap: addressMap(subject, options.addressMap ?? {})
  }).pipe(
    Either.map((limits) => ({ ...limits, replicationLinks: defaults.hasReplicationLinks ? limits.maxActive : 1 }))
  )
