import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Command } from "../../src/command/Command.js"
import { byName } from "../../src/commands.js"

/** All commands, by their whole names. */
export const allCommands: Effect.Effect<ReadonlyArray<readonly [path: string, command: Command]>> = Effect.promise(
  async () => {
    const found: Array<readonly [path: string, command: Command]> = []
    for (const [name, load] of byName) {
      const { command } = await load()
      assert.strictEqual(command.name, name)
      if (command.kind === "command") found.push([name, command])
      else for (const inner of command.commands) found.push([`${name} ${inner.name}`, inner])
    }
    return found
  }
)
