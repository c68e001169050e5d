import type { Alarm } from "../node/timers.js"
import type { Message } from "./messages.js"

/** Another node, as this one sees it. */
export interface Peer {
  readonly id: string
  /** Whether it has been heard since it was met. Until then, it may not know this node. */
  hasAnswered: boolean
  isLeaving: boolean
  /** Whether it has not been heard for the node timeout. */
  isSuspected: boolean
  /** Whether most nodes suspect it. */
  isFailing: boolean
  /** The nodes that reported it as suspected. */
  readonly reports: Set<string>
  /** Goes off when it has not been heard for the node timeout. */
  readonly silence: Alarm
  /** When it fell silent, in ms; undefined if it is heard. */
  silentSince: number | undefined
}

/** How the messages of a node get to the others. */
export interface Network {
  /** Whether messages reach the node. */
  readonly isLinked: (to: string) => boolean
  readonly send: (to: string, message: Message) => void
  readonly addressOf: (id: string) => { readonly host: string; readonly port: number } | undefined
  readonly idAt: (host: string, port: number) => string | undefined
}

/** What the peers need of the node that they are peers of. */
interface Self {
  readonly id: string
}

/** The other nodes that a node knows, and messages to them. */
export class Peers {
  private readonly self: Self
  readonly network: Network
  private readonly byId = new Map<string, Peer>()
  readonly traffic = { sent: 0, received: 0 }

  constructor(self: Self, network: Network) {
    this.self = self
    this.network = network
  }

  get size(): number {
    return this.byId.size
  }

  has(id: string): boolean {
    return this.byId.has(id)
  }

  get(id: string): Peer | undefined {
    return this.byId.get(id)
  }

  add(peer: Peer): void {
    this.byId.set(peer.id, peer)
  }

  remove(id: string): void {
    this.byId.delete(id)
  }

  ids(): IterableIterator<string> {
    return this.byId.keys()
  }

  all(): IterableIterator<Peer> {
    return this.byId.values()
  }

  isLinked(id: string): boolean {
    return this.network.isLinked(id)
  }

  send(to: string, message: Message): void {
    if (!this.network.isLinked(to)) return
    this.traffic.sent++
    this.network.send(to, message)
  }

  /** Sends to those of `nodes` that are peers. */
  broadcast(nodes: Iterable<string>, message: Message): void {
    for (const id of nodes) if (id !== this.self.id && this.byId.has(id)) this.send(id, message)
  }

  /** The peers that can be counted on, as far as this node knows. */
  reachable(): Array<string> {
    const ids: Array<string> = []
    for (const peer of this.byId.values()) {
      if (!peer.isLeaving && !peer.isSuspected && !peer.isFailing) ids.push(peer.id)
    }
    return ids
  }
}
