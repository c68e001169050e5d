/** Who is in the cluster, as one node sees it, and who is suspected of having left it. */

import type { Node, Peer } from "../node/node.js"
import { Alarm } from "../node/timers.js"
import type { Meeting, Message } from "./messages.js"
import { replicate } from "./replication.js"
import { requestJobs } from "./requests.js"

/** How long a forgotten node is not met again, in ms. */
const forgetFor = 60_000

/** Tells a peer how this node is and what it knows. */
export const ping = (node: Node, to: string, meet: Meeting = "none"): void =>
  node.send(to, {
    type: "ping",
    meet,
    leaving: node.leaving,
    failing: [...node.peers.values()].filter((peer) => peer.suspected || peer.failing).map((peer) => peer.id),
    known: [...node.peers.keys()]
  })

export const pingAll = (node: Node): void => {
  for (const id of node.peers.keys()) ping(node, id)
}

/** Takes a node into the cluster that this node sees. */
export const addPeer = (node: Node, id: string): void => {
  if (id === node.id || node.peers.has(id)) return
  node.isMet = true
  const silence = new Alarm(() => suspect(node, peer))
  const peer: Peer = { id, leaving: false, suspected: false, failing: false, reports: new Set(), silence }
  node.peers.set(id, peer)
  if (!node.world.isLinked(node, id)) node.alarms.set(silence, node.ms + node.world.nodeTimeout)
}

export const removePeer = (node: Node, id: string): void => {
  const peer = node.peers.get(id)
  if (peer === undefined) return
  node.alarms.remove(peer.silence)
  node.peers.delete(id)
  for (const queue of node.queues.values()) {
    queue.asked?.delete(id)
    queue.sources?.delete(id)
  }
  for (const interest of node.interests.values()) interest.peers.delete(id)
  for (const other of node.peers.values()) other.reports.delete(id)
}

export const forget = (node: Node, id: string): void => {
  node.forgotten.set(id, node.ms + forgetFor)
  removePeer(node, id)
}

const isForgotten = (node: Node, id: string): boolean => {
  const until = node.forgotten.get(id)
  if (until === undefined) return false
  if (until > node.ms) return true
  node.forgotten.delete(id)
  return false
}

/** Takes in nodes that others know, and tells them. */
const meetAll = (node: Node, ids: ReadonlyArray<string>): void => {
  for (const id of ids) {
    if (id === node.id || node.peers.has(id) || isForgotten(node, id)) continue
    addPeer(node, id)
    ping(node, id, "ask")
  }
}

const markFailing = (node: Node, peer: Peer): void => {
  if (!peer.suspected || peer.failing) return
  if (peer.reports.size + 1 < Math.floor(node.clusterSize / 2) + 1) return
  peer.suspected = false
  peer.failing = true
  for (const id of node.peers.keys()) node.send(id, { type: "fail", about: peer.id })
}

const suspect = (node: Node, peer: Peer): void => {
  if (peer.suspected || peer.failing) return
  peer.suspected = true
  markFailing(node, peer)
  pingAll(node)
}

/** A peer fell silent: it is suspected unless it is heard again in time. */
export const fellSilent = (node: Node, id: string): void => {
  const peer = node.peers.get(id)
  if (peer === undefined) return
  if (peer.silence.timerIndex < 0 && !peer.suspected && !peer.failing) {
    node.alarms.set(peer.silence, node.ms + node.world.nodeTimeout)
  }
}

/** The link to a peer broke, and what was asked over it is forgotten there. */
export const linkLost = (node: Node, id: string): void => {
  for (const queue of node.queues.values()) queue.asked?.delete(id)
  fellSilent(node, id)
}

/** The link to a peer is there again: it hears of this node, and of what this node waits for. */
export const linkRestored = (node: Node, id: string): void => {
  if (!node.peers.has(id)) return
  ping(node, id)
  for (const queue of node.queues.values()) if (queue.clients !== null) requestJobs(node, queue)
  for (const session of node.sessions.values()) {
    if (session.blocked?.command === "ADDJOB") replicate(node, session.blocked.job, 1, true)
  }
}

/** A peer is heard. */
const heard = (node: Node, peer: Peer): void => {
  node.alarms.remove(peer.silence)
  peer.suspected = false
  peer.failing = false
  peer.reports.clear()
}

export const receivePing = (node: Node, from: string, message: Extract<Message, { readonly type: "ping" }>): void => {
  if (message.meet !== "none") {
    node.forgotten.delete(from)
    addPeer(node, from)
    if (message.meet === "ask") ping(node, from, "welcome")
  }
  const peer = node.peers.get(from)
  if (peer === undefined) return
  heard(node, peer)
  peer.leaving = message.leaving
  if (message.meet !== "none") meetAll(node, message.known)
  for (const other of node.peers.values()) {
    if (message.failing.includes(other.id)) {
      other.reports.add(from)
      markFailing(node, other)
    } else {
      other.reports.delete(from)
    }
  }
}

export const receiveFail = (node: Node, about: string): void => {
  const peer = node.peers.get(about)
  if (peer === undefined) return
  peer.failing = true
  peer.suspected = false
  node.alarms.remove(peer.silence)
}

/** The priority of a node in HELLO: the smaller the better. */
export const priorityOf = (node: Node, peer: Peer): number => {
  if (peer.failing || peer.leaving) return 100
  if (peer.suspected) return 10
  return node.world.isLinked(node, peer.id) ? 1 : 5
}
