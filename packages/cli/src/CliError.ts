/** An error that the command shows as one sentence, before it ends with a non-zero status. */
import * as Data from "effect/Data"

export class CliError extends Data.TaggedError("CliError")<{ readonly message: string }> {}

/** The command line is wrong: the command ends with status 2, and has done nothing. */
export class UsageError extends Data.TaggedError("UsageError")<{ readonly message: string }> {}
