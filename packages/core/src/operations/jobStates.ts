/** The state of a job in the cluster, of its states on the nodes that know it. */
import type { JobState } from "../Job.js"

/** A state that one node tells goes before those after it. */
const order: ReadonlyArray<JobState> = ["acked", "queued", "wait-repl", "active"]

export const stateOf = (states: ReadonlyArray<JobState>): JobState =>
  order.find((state) => states.includes(state)) ?? "active"

/** All states, in the order in which a job goes through them. */
export const allStates: ReadonlyArray<JobState> = ["wait-repl", "queued", "active", "acked"]
