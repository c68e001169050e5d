import { abandon } from "../node/jobs.js"
import type { Node } from "../node/node.js"
import { Failure } from "../wire/answers.js"
import { pingAll } from "./membership.js"

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
