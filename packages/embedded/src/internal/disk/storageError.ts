import * as Data from "effect/Data"

/**
 * A folder cannot be used, or its files cannot be read.
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
