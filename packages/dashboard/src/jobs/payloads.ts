/** The bodies of jobs, as viewers may see them. */
import type { Job, JobQueue } from "@disco/core"
import { toJson } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import type { Decoded } from "../api/jobs.js"
import type { Body } from "../api/values.js"

/**
 * A queue whose payloads are decoded: any `JobQueue` whose schema needs no services.
 *
 * @since 0.1.0
 * @category models
 */
export interface TypedQueue {
  readonly name: string
  /**
   * Decodes the payload of a job.
   *
   * @example
   * ```ts
   * import { JobQueue } from "@disco/core"
   * import { Dashboard } from "@disco/dashboard"
   * import { Schema } from "effect"
   *
   * const emails = JobQueue.make("emails", { payload: Schema.Struct({ to: Schema.String, at: Schema.Date }) })
   *
   * // Viewers see the payload of a job as `emails.decode` gives it.
   * const program = Dashboard.layer({ queues: [emails] })
   * ```
   */
  readonly decode: (job: Job.PeekedJob) => Effect.Effect<unknown, JobQueue.InvalidPayload>
}

/**
 * What a viewer sees of the body of a job instead of it. If it throws, nothing of the body is seen.
 *
 * @since 0.1.0
 * @category options
 */
export type Redact = (job: { readonly queue: string; readonly body: Uint8Array }) => Uint8Array | string

export interface PayloadOptions {
  readonly isHidden: boolean
  readonly redact: Redact | undefined
  readonly typed: ReadonlyMap<string, TypedQueue>
}

const encoder = new TextEncoder()
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}

/** The beginning of bytes, which does not end within a character if they are text. */
const cut = (bytes: Uint8Array, most: number): Uint8Array => {
  let end = Math.min(most, bytes.length)
  if (end < bytes.length) for (let back = 0; back < 3 && ((bytes[end] ?? 0) & 0xc0) === 0x80; back++) end -= 1
  return bytes.subarray(0, end)
}

export class Payloads {
  readonly options: PayloadOptions

  constructor(options: PayloadOptions) {
    this.options = options
  }

  /** The queues whose payloads are decoded. */
  get typedQueues(): ReadonlyArray<string> {
    return [...this.options.typed.keys()]
  }

  /** At most `most` bytes of a body. */
  body(queue: string, bytes: Uint8Array, most: number): Body {
    const { isHidden, redact } = this.options
    if (isHidden) return { bytes: bytes.length, encoding: "text", content: null, isCut: false }
    const shown = redact === undefined ? bytes : redacted(redact, queue, bytes)
    const part = cut(shown, most)
    const text = textOf(part)
    return {
      bytes: shown.length,
      encoding: text === undefined ? "base64" : "text",
      content: text ?? Encoding.encodeBase64(part),
      isCut: part.length < shown.length
    }
  }

  /** The payload of a job as its Schema reads it; null if there is none, or if viewers may not see it. */
  decoded(queue: string, id: Job.PeekedJob["id"], body: Uint8Array): Effect.Effect<Decoded | null> {
    const { isHidden, redact, typed } = this.options
    const known = typed.get(queue)
    if (known === undefined || isHidden || redact !== undefined) return Effect.succeed(null)
    return Effect.match(
      // A schema of the user may throw.
      Effect.sandbox(
        Effect.map(
          Effect.suspend(() => known.decode({ queue, id, body })),
          jsonOf
        )
      ),
      {
        onFailure: (cause): Decoded => ({
          isValid: false,
          message: cause._tag === "Fail" ? cause.error.message : "the schema of the queue died"
        }),
        onSuccess: (json): Decoded => ({ isValid: true, json })
      }
    )
  }
}

const redacted = (redact: Redact, queue: string, body: Uint8Array): Uint8Array => {
  try {
    const shown = redact({ queue, body })
    return typeof shown === "string" ? encoder.encode(shown) : shown
  } catch {
    // What was to be hidden is not shown because the function fails.
    return encoder.encode("(not shown: the function that redacts payloads failed)")
  }
}

const jsonOf = (value: unknown): string => JSON.stringify(toJson(value), null, 2) ?? "undefined"
