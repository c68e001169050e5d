import type * as Bus from "../node/bus.js"
import type { Node } from "../node/node.js"
import { Announcements } from "./announcements.js"
import { Federation } from "./federation.js"
import { Membership } from "./membership.js"
import type { Message } from "./messages.js"
import { type Network, Peers } from "./peers.js"
import { receive } from "./receive.js"
import { Replication } from "./replication.js"

export interface BusOptions {
  /** How long a node may be silent before it is suspected, in ms. */
  readonly nodeTimeout: number
  /** How long a job is in its queue before it is given to a node that waits for it, in ms. */
  readonly federationDelay: number
}

/** The part of the cluster bus that belongs to one node: it puts together what this folder has. */
export class ClusterBus implements Bus.Bus {
  private readonly peers: Peers
  readonly members: Membership
  readonly replication: Replication
  readonly announce: Announcements
  readonly federation: Federation
  private readonly node: Node

  constructor(node: Node, network: Network, options: BusOptions) {
    this.node = node
    this.peers = new Peers(node, network)
    this.members = new Membership(node, this.peers, {
      nodeTimeout: options.nodeTimeout,
      onRemoved: (id) => this.federation.forgetPeer(id)
    })
    this.replication = new Replication(node, this.peers, this.members)
    this.announce = new Announcements(node, this.peers)
    this.federation = new Federation(node, this.peers, { delay: options.federationDelay, members: this.members })
  }

  receive(from: string, message: Message): void {
    this.peers.traffic.received++
    if (message.type === "ping" || this.peers.has(from)) receive(this.node, this, from, message)
  }

  /** The node does nothing, and its peers hear nothing of it. */
  fellSilent(id: string): void {
    this.members.fellSilent(id)
  }

  /** The link to a peer broke. */
  linkLost(id: string): void {
    this.federation.forgetRequestsAt(id)
    this.members.fellSilent(id)
  }

  /** The link to a peer is restored: the peer hears of this node, and of what this node waits for. */
  linkRestored(id: string): void {
    if (!this.peers.has(id)) return
    this.members.linkRestored(id)
    this.federation.requestAgain()
    this.replication.replicateAgain()
  }

  /** The node ends. */
  stop(): void {
    this.members.isLeaving = false
    this.federation.clear()
  }

  /** The node starts again. */
  restart(): void {
    this.members.restart()
  }
}
