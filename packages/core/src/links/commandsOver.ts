/** The typed commands over a client. */
import * as Effect from "effect/Effect"
import type { Command } from "../Command.js"
import * as DisqueCommands from "../DisqueCommands.js"
import type { PoolExhausted } from "../DisqueError.js"
import type { Fetch, FetchError } from "../fetching/fetcher.js"
import type { Job } from "../Job.js"
import type { Client } from "./client.js"

/** The commands of the node in use (or, where told so, of the whole cluster), and those of one node that is given. */
export const commandsOver = (
  client: Client,
  fetch: (request: Fetch) => Effect.Effect<ReadonlyArray<Job>, FetchError | PoolExhausted>,
  coversCluster: boolean
): DisqueCommands.DisqueCommands & { readonly on: (node: string) => DisqueCommands.DisqueCommands } => {
  const executeOn = <A, E>(node: string, command: Command<A, E>) => client.executeOn(node, command)
  const { nodes } = client
  return {
    ...DisqueCommands.make({
      execute: (command) => client.execute(command),
      executeAll: (commands) => client.executeAll(commands),
      executeOn,
      nodes,
      coversCluster,
      fetch
    }),
    on: (node) =>
      DisqueCommands.make({
        execute: (command) => client.executeOn(node, command),
        executeAll: (commands) =>
          Effect.forEach(commands, (command) => Effect.either(client.executeOn(node, command)), {
            concurrency: "unbounded"
          }),
        executeOn,
        nodes,
        coversCluster: false,
        fetch: (request) => fetch({ ...request, node })
      })
  }
}
