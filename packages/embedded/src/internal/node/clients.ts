/** The clients of a node, as they come and go. */
import { Failure } from "../wire/answers.js"
import { Client, type SessionHandlers } from "./client.js"
import { abandon } from "./jobs.js"
import type { Node } from "./node.js"

export const leavingFailure = new Failure("LEAVING This node is leaving the cluster, please connect to a different one")

const tooMany = new Failure("ERR max number of clients reached")

/** How a client comes: one with an address is outside of the process. */
export interface ClientOptions {
  readonly address?: string
  readonly isAuthenticated?: boolean
}

/** Adds a client; `undefined` if there are as many clients outside of the process as `maxclients` allows. */
export const addClient = (node: Node, handlers: SessionHandlers, options: ClientOptions): Client | undefined => {
  const isInProcess = options.address === undefined
  if (!isInProcess && node.clients.size >= Number(node.config.get("maxclients"))) {
    node.statistics.rejected++
    handlers.onAnswer(tooMany)
    return undefined
  }
  const id = node.nextClient()
  const client = new Client(id, options.address ?? `in-process:${id}`, handlers, {
    inProcess: isInProcess,
    authenticated: options.isAuthenticated ?? false,
    now: Math.floor(node.world.micros() / 1e6)
  })
  node.clients.set(id, client)
  node.statistics.connections++
  const { idleSeconds } = node.config
  if (idleSeconds > 0 && node.idleCheck.timerIndex < 0) {
    node.alarms.set(node.idleCheck, (client.createdAt + idleSeconds + 1) * 1000)
  }
  return client
}

/** Takes a client off the list. What the client waits for is to be abandoned next. */
export const removeClient = (node: Node, client: Client): void => {
  client.closed = true
  client.pending.drain()
  node.clients.delete(client.id)
  node.monitors.delete(client)
}

/** Ends the session of a client from the side of the node. */
export const endSession = (node: Node, client: Client): void => {
  if (client.closed) return
  removeClient(node, client)
  abandon(node, client)
  client.end()
}

/** Ends the sessions of clients that were silent for longer than `timeout` says. A client that waits is not idle. */
export const endIdleSessions = (node: Node): void => {
  const { idleSeconds } = node.config
  if (idleSeconds === 0) return
  let first = Number.POSITIVE_INFINITY
  for (const client of [...node.clients.values()]) {
    const waits = client.blocked !== null || client.held !== null || client.pending.size > 0
    if (waits) client.lastAt = node.seconds
    if (node.seconds - client.lastAt > idleSeconds) endSession(node, client)
    else first = Math.min(first, client.lastAt)
  }
  // A whole second more, as on a server.
  if (first < Number.POSITIVE_INFINITY) node.alarms.set(node.idleCheck, (first + idleSeconds + 1) * 1000)
}

/** Ends the session of all clients as the end of the process does: without a word to other nodes. */
export const dropClients = (clients: Iterable<Client>): void => {
  for (const client of clients) {
    client.closed = true
    client.blocked = null
    client.held = null
    client.pending.drain()
    client.handlers.onEnd()
  }
}

/** Tells all clients that wait for jobs or copies that the node is leaving the cluster. */
export const sendWaitersAway = (node: Node): void => {
  for (const client of [...node.clients.values()]) {
    if (client.blocked === null || client.blocked.command === "disk") continue
    client.answer(leavingFailure)
    abandon(node, client)
  }
}
