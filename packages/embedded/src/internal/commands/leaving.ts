import { Failure } from "../answer.js"

export const leavingFailure = new Failure("LEAVING This node is leaving the cluster, please connect to a different one")
