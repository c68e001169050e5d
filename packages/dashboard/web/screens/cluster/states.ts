/** How bad the state of a node is. */
import type { ClusterNode } from "../../../src/api/cluster.js"

export const toneOf: Readonly<Record<ClusterNode["state"], string>> = {
  up: "good",
  leaving: "warn",
  suspected: "warn",
  failed: "bad",
  unreachable: "bad"
}
