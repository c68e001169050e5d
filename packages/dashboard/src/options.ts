/** The options of the dashboard, as they are given and as they are read. */
import type { InvalidArgument } from "@disco/core"
import { OptionReader } from "@disco/core/internal"
import { Worker } from "@disco/funnel"
import type * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import type * as Redacted from "effect/Redacted"
import type { GuardOptions } from "./http/guard.js"
import type { PayloadOptions, Redact, TypedQueue } from "./jobs/payloads.js"
import type { SamplerOptions } from "./sampling/sampler.js"

/**
 * The options of the dashboard.
 *
 * @since 0.1.0
 * @category options
 */
export interface DashboardOptions {
  /** The path at which it is mounted, such as `/admin/disque`. Default: none, it has the server for itself. */
  readonly basePath?: string | undefined
  /**
   * What viewers have to know. Programs send it as `Authorization: Bearer`. Default: none. Then the dashboard is reached by the names of
   * this machine alone (`localhost`, `127.0.0.1`), by those of `hosts`, or through a proxy that is trusted.
   */
  readonly password?: Redacted.Redacted | undefined
  /**
   * Whether a proxy in front of it says who may come: its `X-Forwarded-` headers are believed, and no password is needed. Nothing else may
   * reach the server then. Default: false.
   */
  readonly trustProxy?: boolean | undefined
  /**
   * Whether viewers may change something. Default: true where nobody but this machine gets in, which is without `password` and
   * `trustProxy`; false otherwise.
   */
  readonly allowChanges?: boolean | undefined
  /** Whether the bodies of jobs are left out, those of dead letters among them. Default: false. */
  readonly hidePayloads?: boolean | undefined
  /** What viewers see in place of the body of a job. Typed payloads are not decoded then. Default: the body. */
  readonly redact?: Redact | undefined
  /** Further names by which it is reached without a password, in lower case and without a port. Default: none. */
  readonly hosts?: ReadonlyArray<string> | undefined
  /** How long a session lasts after the password was given. Default: 12 hours. */
  readonly sessionTimeToLive?: Duration.DurationInput | undefined
  /** Typed queues, whose jobs are shown as their Schema decodes them: `JobQueue`s whose schemas need no services. Default: none. */
  readonly queues?: ReadonlyArray<TypedQueue> | undefined
  /** The queue of `Worker.Reporting`. Default: `disco.workers`. */
  readonly reports?: string | undefined
  /** The time between two looks at the cluster while somebody looks, 500 ms or more. Default: 2 seconds. */
  readonly every?: Duration.DurationInput | undefined
}

export interface Settings {
  readonly basePath: string
  readonly guard: GuardOptions
  readonly payloads: PayloadOptions
  readonly sampler: SamplerOptions
}

const subject = "Dashboard"
const expectedPath = "a path such as /admin/disque, with a slash at its beginning and none at its end"

export const read = (given: DashboardOptions | undefined): Either.Either<Settings, InvalidArgument> =>
  Either.gen(function* () {
    const options = yield* OptionReader.all(subject, given)
    const { basePath = "", hosts = [], password, queues = [], redact, reports } = options
    if (typeof basePath !== "string" || !/^(\/[\w.~%-]+)*$/.test(basePath)) {
      return yield* OptionReader.refuse(subject, "basePath", basePath, expectedPath)
    }
    if (password !== undefined) {
      yield* OptionReader.secret(subject, "password", password)
    }
    const areHosts =
      Array.isArray(hosts) && hosts.every((host) => typeof host === "string" && /^[a-z0-9.:[\]-]+$/.test(host))
    if (!areHosts) return yield* OptionReader.refuse(subject, "hosts", hosts, "an array of host names in lower case")
    if (!Array.isArray(queues)) return yield* OptionReader.refuse(subject, "queues", queues, "an array of JobQueues")
    yield* OptionReader.callback(subject, "redact", redact, "a function of a queue and a body")
    const trustProxy = yield* OptionReader.flag(subject, "trustProxy", options.trustProxy)
    const isClosed = password === undefined && !trustProxy
    const isHidden = yield* OptionReader.flag(subject, "hidePayloads", options.hidePayloads)
    const typed = new Map(queues.map((queue) => [queue.name, queue] as const))
    const ttl = options.sessionTimeToLive ?? "12 hours"
    return {
      basePath,
      guard: {
        password,
        sessionMillis: yield* OptionReader.duration(subject, "sessionTimeToLive", ttl, 1000),
        trustProxy,
        isReadOnly: !(options.allowChanges === undefined
          ? isClosed
          : yield* OptionReader.flag(subject, "allowChanges", options.allowChanges)),
        hidesPayloads: isHidden,
        hosts,
        typedQueues: [...typed.keys()]
      },
      payloads: { isHidden, redact, typed },
      sampler: {
        everyMillis: yield* OptionReader.duration(subject, "every", options.every ?? "2 seconds", 500),
        reports: yield* OptionReader.queue(subject, reports ?? Worker.Reporting.defaultQueue)
      }
    }
  })
