/** What viewers are told when the cluster does not do what they ask. */
import type { Cluster, InvalidArgument } from "@disco/core"
import type { NodeProblem } from "../api/values.js"
import { BadRequest, CommandFailed, NotOnEveryNode } from "../DashboardError.js"

interface Failure {
  readonly _tag: string
  readonly message: string
}

const isArgument = (error: Failure): error is InvalidArgument => error._tag === "InvalidArgument"

const isPartial = (error: Failure): error is Cluster.NotOnEveryNode => error._tag === "NotOnEveryNode"

export const problemsOf = (failures: ReadonlyArray<Cluster.NodeFailure>): ReadonlyArray<NodeProblem> =>
  failures.map(({ error, node }) => ({ node, message: error.message }))

/** The error of the API for an error of a command. */
export const failureOf = (error: Failure): BadRequest | CommandFailed | NotOnEveryNode => {
  if (isArgument(error)) return new BadRequest({ message: error.message })
  if (isPartial(error)) {
    return new NotOnEveryNode({ message: error.message, done: error.done, failures: problemsOf(error.failures) })
  }
  return new CommandFailed({ reason: error._tag, message: error.message })
}
