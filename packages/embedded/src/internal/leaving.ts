import { Failure } from "./answer.js"
import { abandon } from "./jobs.js"
import { pingAll } from "./membership.js"
import type { Node } from "./node.js"

export const leavingFailure = new Failure("LEAVING This node is leaving the cluster, please connect to a different one")

/** Makes the node leave, or stay. A node that leaves ends the wait of all its clients. */
export const setLeaving = (node: Node, leaving: boolean): void => {
  node.leaving = leaving
  pingAll(node)
  if (!leaving) return
  for (const session of [...node.sessions.values()]) {
    if (session.blocked === null) continue
    session.answer(leavingFailure)
    abandon(node, session)
  }
}
