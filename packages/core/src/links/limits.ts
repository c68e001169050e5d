/** The options of connections and pools, with their defaults, checked. */
import type * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Schedule from "effect/Schedule"
import { expectedAddress, readAddress } from "../cluster/address.js"
import type { ConnectionError, InvalidArgument } from "../DisqueError.js"
import * as OptionReader from "../internal/optionReader.js"

/**
 * Options that connections and pools share.
 *
 * @since 0.1.0
 * @category options
 */
export interface ConnectionOptions {
  /**
   * How long a command may take from its call to its end, beyond the time that the command gives the node; 5 seconds. The time stands
   * still while the commands before it on its link are answered within 100 ms each.
   */
  readonly commandTimeout?: Duration.DurationInput | undefined
  /**
   * The longest that one GETJOB waits on the node; 500 ms. A longer wait is cut into such slices, because Disque loses the
   * delivery of a job whose reply nobody reads: closing waits for the slice that is under way. Each wait costs one command for
   * each slice.
   */
  readonly slice?: Duration.DurationInput | undefined
  /**
   * The most connections in use at a time: calls that wait for jobs, and connections taken out of a pool. A pool opens up to as many
   * further links to each node for adds that wait for copies, because one link waits for one such add after the other. If 8 or more adds
   * wait on each of these links, the pool opens up to twice as many.
   */
  readonly maxActive?: number | undefined
  /** The most links kept open for the next GETJOB. While consumers run, at least as many links are kept as they use. */
  readonly maxIdle?: number | undefined
  /** How long a link is kept open without use; 200 seconds. */
  readonly idleTimeToLive?: Duration.DurationInput | undefined
  /** The most calls that may stand in line for a connection; 1024. */
  readonly maxWaiting?: number | undefined
  /** How long a call stands in line for a connection; 5 seconds. */
  readonly acquireTimeout?: Duration.DurationInput | undefined
  /**
   * When a command whose reply never came is sent again, if that does no harm: this is so for all commands but ADDJOB and a few that
   * administer a node. Default: three times within half a second. `Schedule.stop` sends nothing twice.
   */
  readonly retry?: Schedule.Schedule<unknown, ConnectionError> | undefined
  /**
   * How old the answer to the last HELLO may be: a later command has the cluster asked anew which nodes it has. A link over a network
   * that was not used for as long is tried (PING). 30 seconds.
   */
  readonly refreshInterval?: Duration.DurationInput | undefined
  /**
   * Fetches from one node only, to use few connections. After this many jobs, that node is the one that most of the jobs came from.
   * Without this option, a funnel or a worker fetches from all nodes at once.
   */
  readonly cycle?: number | undefined
  /**
   * Where the nodes are for this program, by the addresses at which they know each other: for containers and address
   * translation, `{ "172.28.77.11:7711": "localhost:7711" }`.
   */
  readonly addressMap?: Readonly<Record<string, string>> | undefined
  /**
   * Opens without a node: the first command connects, and each command tries again while no node answers. Default: false, so that opening
   * fails then.
   */
  readonly lazyConnect?: boolean | undefined
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
  readonly lazyConnect: boolean
  /** The most links to a node for commands that wait for copies, or half of the most when such commands pile up. */
  readonly replicationLinks: number
}

const retry: Limits["retry"] = Schedule.exponential("50 millis").pipe(
  Schedule.jittered,
  Schedule.intersect(Schedule.recurs(3))
)

// A node may know others by a host that cannot be dialed: that is what the map is for.
const toldAddress = (text: string): string | undefined =>
  readAddress(text) ?? (/:\d{1,5}$/.test(text) ? text : undefined)

const addressMap = (
  subject: string,
  map: Readonly<Record<string, string>>
): Either.Either<Limits["addressMap"], InvalidArgument> =>
  Either.gen(function* () {
    const read: Array<readonly [string, string]> = []
    for (const entry of Object.entries(yield* OptionReader.record(subject, "addressMap", map))) {
      const [told, address] = [toldAddress(entry[0]), readAddress(entry[1])]
      if (told === undefined || address === undefined) {
        // The text may hold a password, and is not shown.
        return yield* OptionReader.refuseText(
          subject,
          "addressMap",
          "one with an address that cannot be read",
          expectedAddress
        )
      }
      read.push([told, address])
    }
    return Object.fromEntries(read)
  })

/** Checks the options. */
export const check = (
  subject: string,
  options: ConnectionOptions | undefined,
  defaults: { readonly maxActive: number; readonly maxIdle: number; readonly hasReplicationLinks: boolean }
): Either.Either<Limits, InvalidArgument> =>
  Either.flatMap(OptionReader.all(subject, options), (options) =>
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
      addressMap: addressMap(subject, options.addressMap ?? {}),
      lazyConnect: OptionReader.flag(subject, "lazyConnect", options.lazyConnect)
    })
  ).pipe(Either.map((limits) => ({ ...limits, replicationLinks: defaults.hasReplicationLinks ? limits.maxActive : 1 })))
