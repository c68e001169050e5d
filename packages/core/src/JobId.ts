/**
 * The id that Disque gives a job: `D-` + 8 hex digits of the node that took it + `-` + 24 base64 characters + `-` + 4 hex
 * digits of TTL, 40 characters in all. `/` and `+` occur in it: encode it in URLs.
 *
 * @since 0.1.0
 */
import * as Brand from "effect/Brand"
import * as Duration from "effect/Duration"

/**
 * The id of a job.
 *
 * @since 0.1.0
 * @category models
 */
export type JobId = string & Brand.Brand<"@disco/core/JobId">

// A table, because each job that is acknowledged is checked, and a regular expression takes four times as long.
const hex = 1
const base64 = 2
const kinds = new Uint8Array(128)
for (let code = 0; code < kinds.length; code++) {
  const char = String.fromCharCode(code)
  kinds[code] = (/[0-9a-f]/.test(char) ? hex : 0) | (/[A-Za-z0-9+/]/.test(char) ? base64 : 0)
}

const dash = 45

const areAll = (kind: number, text: string, start: number, end: number): boolean => {
  for (let i = start; i < end; i++) if (((kinds[text.charCodeAt(i)] ?? 0) & kind) === 0) return false
  return true
}

/**
 * Whether a value has the form of a job id.
 *
 * @example
 * ```ts
 * import { JobId } from "@disco/core"
 *
 * const ids = ["D-1caf0be1-lWEsUi3fZ8Q8A0ZBUGh/c49Y-2761", "hello"].filter(JobId.isJobId)
 * ```
 *
 * @since 0.1.0
 * @category refinements
 */
export const isJobId = (value: unknown): value is JobId =>
  typeof value === "string" &&
  value.length === 40 &&
  value.startsWith("D-") &&
  areAll(hex, value, 2, 10) &&
  value.charCodeAt(10) === dash &&
  areAll(base64, value, 11, 35) &&
  value.charCodeAt(35) === dash &&
  areAll(hex, value, 36, 40)

/**
 * Makes a job id from text. `JobId.make("D-…")` throws if the text is not a job id; `JobId.make.option` and `JobId.make.either` do
 * not throw.
 *
 * @example
 * ```ts
 * import { JobId } from "@disco/core"
 * import { Duration, Option } from "effect"
 *
 * // What the id alone says of its job.
 * const describe = (text: string) =>
 *   Option.map(JobId.make.option(text), (id) => ({
 *     node: JobId.origin(id),
 *     ttl: Duration.format(JobId.ttl(id)),
 *     isDeliveredAgain: JobId.isAtLeastOnce(id)
 *   }))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Brand.refined<JobId>(isJobId, (value) =>
  Brand.error(
    `${JSON.stringify(value)} is not a job id: expected D-, 8 hex digits, -, 24 base64 characters, -, 4 hex digits`
  )
)

/**
 * The first 8 hex digits of the id of the node that took the ADDJOB: the node that the producer was connected to.
 *
 * @see {@link make}
 * @since 0.1.0
 * @category accessors
 */
export const origin = (id: JobId): string => id.slice(2, 10)

/**
 * The TTL that the id carries: whole minutes, rounded down, accurate to two minutes.
 *
 * @see {@link make}
 * @since 0.1.0
 * @category accessors
 */
export const ttl = (id: JobId): Duration.Duration => Duration.minutes(Number.parseInt(id.slice(36), 16))

/**
 * Whether the job is delivered again until it is acknowledged (RETRY above 0).
 *
 * @see {@link make}
 * @since 0.1.0
 * @category accessors
 */
export const isAtLeastOnce = (id: JobId): boolean => Number.parseInt(id.slice(36), 16) % 2 === 1
