/** The typed commands over a client. */
import * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type { Command } from "./Command.js"
import { expectedAddress } from "./cluster/address.js"
import * as commandMethods from "./commandMethods.js"
import type * as DisqueCommands from "./DisqueCommands.js"
import { type CommandError, ConnectionError, InvalidArgument, type PoolExhausted } from "./DisqueError.js"
import type { Fetch, FetchError } from "./fetching/getJobCalls.js"
import type { Job } from "./Job.js"

/** What the commands need. */
interface Needs {
  readonly executor: {
    execute<A, E>(command: Command<A, E>): Effect.Effect<A, E | CommandError>
    executeAll<A, E>(
      commands: ReadonlyArray<Command<A, E>>
    ): Effect.Effect<ReadonlyArray<Either.Either<A, E | CommandError>>>
    executeOn<A, E>(node: string, command: Command<A, E>): Effect.Effect<A, E | CommandError>
  }
  readonly discovery: {
    readonly nodes: Effect.Effect<ReadonlyArray<{ readonly id: string; readonly address: string }>, CommandError>
  }
  readonly routes: { addressOf(node: unknown): string | undefined }
}

/** The commands of the node in use or, with `asksAllNodes`, of the whole cluster, and those of one node that is given. */
export const clientCommands = (
  { discovery, executor, routes }: Needs,
  fetch: (request: Fetch) => Effect.Effect<ReadonlyArray<Job>, FetchError | PoolExhausted>,
  asksAllNodes: boolean
): DisqueCommands.DisqueCommands & { readonly on: (node: string) => DisqueCommands.DisqueCommands } => {
  const executeOn = <A, E>(node: string, command: Command<A, E>) => executor.executeOn(node, command)
  const { nodes } = discovery
  return {
    ...commandMethods.make({
      execute: (command) => executor.execute(command),
      executeAll: (commands) => executor.executeAll(commands),
      executeOn,
      nodes,
      asksAllNodes,
      fetch
    }),
    on: (node) => {
      // A text that is no address may be one with a password, and is shown nowhere.
      const to = <A, E>(use: (address: string) => Effect.Effect<A, E>): Effect.Effect<A, E | ConnectionError> =>
        Effect.suspend((): Effect.Effect<A, E | ConnectionError> => {
          const address = routes.addressOf(node)
          return address === undefined ? Effect.fail(noAddress(node)) : use(address)
        })
      return commandMethods.make({
        execute: (command) => to((address) => executor.executeOn(address, command)),
        executeAll: (commands) =>
          Effect.forEach(commands, (command) => Effect.either(to((address) => executor.executeOn(address, command))), {
            concurrency: "unbounded"
          }),
        executeOn,
        nodes,
        asksAllNodes: false,
        fetch: (request) => to((address) => fetch({ ...request, node: address }))
      })
    }
  }
}

const noAddress = (node: unknown): ConnectionError => {
  const value = typeof node === "string" ? `one of ${node.length} characters` : "no text"
  const cause = new InvalidArgument({ subject: "on", argument: "node", value, expected: expectedAddress })
  return new ConnectionError({ node: "a node", reason: "failed", cause })
}
