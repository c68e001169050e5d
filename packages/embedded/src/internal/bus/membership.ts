/** Who is in the cluster, as one node sees it, and who is suspected of having left. */
import type * as Bus from "../node/bus.js"
import { sendWaitersAway } from "../node/clients.js"
import type { Node } from "../node/node.js"
import { Alarm } from "../node/timers.js"
import type { Meeting, Message } from "./messages.js"
import type { Peer, Peers } from "./peers.js"

/** How long a forgotten node is not met again, in ms. */
const forgetFor = 60_000

export interface MembershipOptions {
  /** How long a node may be silent before it is suspected, in ms. */
  readonly nodeTimeout: number
  /** Called when a node is no longer in the cluster. */
  readonly onRemoved: (id: string) => void
}

export class Membership implements Bus.Membership {
  private readonly node: Node
  private readonly peers: Peers
  private readonly options: MembershipOptions
  /** The nodes that must not be met again for a while, and until when, in ms. */
  private readonly forgotten = new Map<string, number>()
  isLeaving = false
  isMet = false

  constructor(node: Node, peers: Peers, options: MembershipOptions) {
    this.node = node
    this.peers = peers
    this.options = options
  }

  get size(): number {
    return this.peers.size + 1
  }

  get traffic(): { readonly sent: number; readonly received: number } {
    return this.peers.traffic
  }

  has(id: string): boolean {
    return this.peers.has(id)
  }

  reachable(): Array<string> {
    return this.peers.reachable()
  }

  others(): ReadonlyArray<Bus.Member> {
    return Array.from(this.peers.all(), (peer) => {
      const at = this.peers.network.addressOf(peer.id)
      const { id, isFailing, isLeaving, isSuspected } = peer
      const isConnected = this.peers.isLinked(id)
      const heardAt = peer.silentSince ?? this.node.ms
      return { id, host: at?.host ?? "", port: at?.port ?? 0, isFailing, isLeaving, isSuspected, isConnected, heardAt }
    })
  }

  meet(host: string, port: number): void {
    const id = this.peers.network.idAt(host, port)
    if (id === undefined || id === this.node.id) return
    this.forgotten.delete(id)
    this.ping(id, "ask")
  }

  forget(id: string): void {
    this.forgotten.set(id, this.node.ms + forgetFor)
    this.remove(id)
  }

  reset(): void {
    for (const id of [...this.peers.ids()]) this.remove(id)
  }

  /** A node that leaves ends the wait of all its clients. */
  setLeaving(isLeaving: boolean): void {
    this.isLeaving = isLeaving
    this.pingAll()
    if (isLeaving) sendWaitersAway(this.node)
  }

  /** Takes a node into the cluster that this node sees. `hasAnswered` says whether that node knows this one. */
  add(id: string, hasAnswered = true): void {
    if (id === this.node.id || this.peers.has(id)) return
    this.isMet = true
    const silence = new Alarm(() => this.suspect(peer))
    const isLinked = this.peers.isLinked(id)
    const peer: Peer = {
      id,
      hasAnswered,
      isLeaving: false,
      isSuspected: false,
      isFailing: false,
      reports: new Set(),
      silence,
      silentSince: isLinked ? undefined : this.node.ms
    }
    this.peers.add(peer)
    if (!isLinked) this.node.alarms.set(silence, this.node.ms + this.options.nodeTimeout)
  }

  private remove(id: string): void {
    const peer = this.peers.get(id)
    if (peer === undefined) return
    this.node.alarms.remove(peer.silence)
    this.peers.remove(id)
    this.options.onRemoved(id)
    for (const other of this.peers.all()) other.reports.delete(id)
  }

  /** Starts again with the peers that it knew: a server keeps them on disk. */
  restart(): void {
    const known = [...this.peers.all()]
    for (const { id } of known) this.peers.remove(id)
    for (const { hasAnswered, id } of known) this.add(id, hasAnswered)
    this.forgotten.clear()
    this.peers.traffic.sent = 0
    this.peers.traffic.received = 0
  }

  /** The link to a peer is restored: the peer hears of this node, which asks it again to be taken in if it has not answered. */
  linkRestored(id: string): void {
    this.ping(id, this.peers.get(id)?.hasAnswered === false ? "ask" : "none")
  }

  /** Tells a peer how this node is and whom it reaches. */
  private ping(to: string, meet: Meeting = "none"): void {
    const failing = Array.from(this.peers.all()).filter((peer) => peer.isSuspected || peer.isFailing)
    this.peers.send(to, {
      type: "ping",
      meet,
      leaving: this.isLeaving,
      failing: failing.map((peer) => peer.id),
      known: Array.from(this.peers.ids()).filter((id) => this.peers.isLinked(id))
    })
  }

  private pingAll(): void {
    for (const id of this.peers.ids()) this.ping(id)
  }

  private isForgotten(id: string): boolean {
    const until = this.forgotten.get(id)
    if (until === undefined) return false
    if (until > this.node.ms) return true
    this.forgotten.delete(id)
    return false
  }

  /** Takes in nodes that others know, and tells them. */
  private meetAll(ids: ReadonlyArray<string>): void {
    for (const id of ids) {
      if (id === this.node.id || this.peers.has(id) || this.isForgotten(id)) continue
      this.add(id, false)
      this.ping(id, "ask")
    }
  }

  /** Tells the peers of a new one that may not know of it. A server says so in all its pings, again and again. */
  private introduce(id: string, known: ReadonlyArray<string>): void {
    const already = new Set(known)
    for (const other of this.peers.ids()) if (other !== id && !already.has(other)) this.ping(other)
  }

  private suspect(peer: Peer): void {
    if (peer.isSuspected || peer.isFailing) return
    peer.isSuspected = true
    this.markFailing(peer)
    this.pingAll()
  }

  private markFailing(peer: Peer): void {
    if (!peer.isSuspected || peer.isFailing) return
    if (peer.reports.size + 1 < Math.floor(this.size / 2) + 1) return
    peer.isSuspected = false
    peer.isFailing = true
    for (const id of this.peers.ids()) this.peers.send(id, { type: "fail", about: peer.id })
  }

  /** A peer fell silent: it is suspected unless it is heard again in time. */
  fellSilent(id: string): void {
    const peer = this.peers.get(id)
    if (peer === undefined) return
    peer.silentSince ??= this.node.ms
    if (peer.silence.timerIndex < 0 && !peer.isSuspected && !peer.isFailing) {
      this.node.alarms.set(peer.silence, this.node.ms + this.options.nodeTimeout)
    }
  }

  private heard(peer: Peer): void {
    this.node.alarms.remove(peer.silence)
    peer.silentSince = undefined
    peer.isSuspected = false
    peer.isFailing = false
    peer.reports.clear()
  }

  receivePing(from: string, message: Extract<Message, { readonly type: "ping" }>): void {
    const isNew = this.peers.get(from)?.hasAnswered !== true
    if (message.meet !== "none") {
      this.forgotten.delete(from)
      this.add(from)
      if (message.meet === "ask") this.ping(from, "welcome")
    }
    const peer = this.peers.get(from)
    if (peer === undefined) return
    peer.hasAnswered = true
    this.heard(peer)
    peer.isLeaving = message.leaving
    this.meetAll(message.known)
    if (isNew) this.introduce(from, message.known)
    for (const other of this.peers.all()) {
      if (message.failing.includes(other.id)) {
        other.reports.add(from)
        this.markFailing(other)
      } else {
        other.reports.delete(from)
      }
    }
  }

  receiveFail(about: string): void {
    const peer = this.peers.get(about)
    if (peer === undefined) return
    peer.isFailing = true
    peer.isSuspected = false
    this.node.alarms.remove(peer.silence)
  }
}
