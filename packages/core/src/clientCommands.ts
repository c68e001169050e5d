/** The typed commands over a client. */
import * as Effect from "effect/Effect"
import type { Command } from "./Command.js"
import type { Client } from "./client.js"
import { expectedAddress } from "./cluster/topology.js"
import * as DisqueCommands from "./DisqueCommands.js"
import { ConnectionError, InvalidArgument, type PoolExhausted } from "./DisqueError.js"
import type { Fetch, FetchError } from "./fetching/fetcher.js"
import type { Job } from "./Job.js"

/** The commands of the node in use (or, where told so, of the whole cluster), and those of one node that is given. */
export const commandsOver = (
  client: Client,
  fetch: (request: Fetch) => Effect.Effect<ReadonlyArray<Job>, FetchError | PoolExhausted>,
  asksAllNodes: boolean
): DisqueCommands.DisqueCommands & { readonly on: (node: string) => DisqueCommands.DisqueCommands } => {
  const executeOn = <A, E>(node: string, command: Command<A, E>) => client.executeOn(node, command)
  const { nodes } = client
  return {
    ...DisqueCommands.make({
      execute: (command) => client.execute(command),
      executeAll: (commands) => client.executeAll(commands),
      executeOn,
      nodes,
      asksAllNodes,
      fetch
    }),
    on: (node) => {
      // What is no address may be one with a password, and is shown nowhere.
      const to = <A, E>(use: (address: string) => Effect.Effect<A, E>): Effect.Effect<A, E | ConnectionError> =>
        Effect.suspend((): Effect.Effect<A, E | ConnectionError> => {
          const address = client.addressOf(node)
          return address === undefined ? Effect.fail(noAddress(node)) : use(address)
        })
      return DisqueCommands.make({
        execute: (command) => to((address) => client.executeOn(address, command)),
        executeAll: (commands) =>
          Effect.forEach(commands, (command) => Effect.either(to((address) => client.executeOn(address, command))), {
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
