import type * as Either from "effect/Either"
import { type Command, Commands, type InvalidArgument, type RefusalWord } from "../../src/index.js"

type AnyDefinition = Omit<
  Command.Definition<ReadonlyArray<never>, unknown, RefusalWord, boolean, boolean>,
  "encode" | "make"
> & {
  readonly make: (...input: ReadonlyArray<never>) => Either.Either<Command.Command<unknown, unknown>, InvalidArgument>
}

const isDefinition = (value: unknown): value is AnyDefinition =>
  typeof value === "object" && value !== null && "make" in value && "summary" in value

const walk = (module: object, path: string): ReadonlyArray<readonly [path: string, AnyDefinition]> =>
  Object.entries(module).flatMap(([name, value]) =>
    isDefinition(value) ? [[`${path}${name}`, value] as const] : walk(value, `${path}${name}.`)
  )

/** Every command that is defined, by its path in `Commands`. */
export const definitions = new Map(walk(Commands, ""))
