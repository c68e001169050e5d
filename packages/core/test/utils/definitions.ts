import { type Command, Commands } from "../../src/index.js"

const isDefinition = (value: unknown): value is Command.AnyDefinition =>
  typeof value === "object" && value !== null && "make" in value && "summary" in value

const walk = (module: object, path: string): ReadonlyArray<readonly [path: string, Command.AnyDefinition]> =>
  Object.entries(module).flatMap(([name, value]) =>
    isDefinition(value) ? [[`${path}${name}`, value] as const] : walk(value, `${path}${name}.`)
  )

/** Every command that is defined, by its path in `Commands`. */
export const definitions = new Map(walk(Commands, ""))
