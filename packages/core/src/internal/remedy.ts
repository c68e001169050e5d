/**
 * Where trying again can help: nowhere, on the same node after a while, on another node, or on either.
 *
 * @since 0.1.0
 * @category errors
 */
export type Remedy = "none" | "later" | "elsewhere" | "later or elsewhere"

/** What all errors of Disco have. */
export interface Failure {
  /** Where trying the same call again can help. */
  readonly remedy: Remedy
  /** Whether trying the same call again can help at all. */
  readonly isRetryable: boolean
}
