import * as Data from "effect/Data"

/**
 * A folder cannot be used, or its files cannot be read.
 *
 * @example
 * ```ts
 * import { EmbeddedDisque } from "@disco/embedded"
 * import { NodeContext } from "@effect/platform-node"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const { nodes } = yield* EmbeddedDisque.make({ dir: "data" })
 *   yield* nodes[0].loaded
 * }).pipe(
 *   Effect.catchTag("StorageError", ({ detail, path, pid, reason }) =>
 *     Effect.logError(reason === "Locked" ? `process ${pid} uses ${path}` : detail)
 *   ),
 *   Effect.scoped,
 *   Effect.provide(NodeContext.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class StorageError extends Data.TaggedError("StorageError")<{
  /** The folder or the file. */
  readonly path: string
  /** `Locked`: another process uses the folder. `Damaged`: a file has what cannot be read. `Unavailable`: the system refuses. */
  readonly reason: "Locked" | "Damaged" | "Unavailable"
  /** What is wrong, and the remedy if there is one. */
  readonly detail: string
  /** Where the damage begins, in bytes. */
  readonly offset?: number
  /** The process that uses the folder. */
  readonly pid?: number
}> {
  override get message(): string {
    return `${this.path}: ${this.detail}`
  }
}
