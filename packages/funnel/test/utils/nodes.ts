import { DisquePool } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Layer } from "effect"

/** A pool over several nodes of one cluster in the process, and the nodes. */
export const clusterOf = (nodes: number) =>
  Layer.provideMerge(
    DisquePool.layer(),
    Layer.provideMerge(EmbeddedDisque.layerDialer, EmbeddedDisque.layer({ nodes }))
  )

/** A pool over one node in the process, and the node. */
export const layer = clusterOf(1)
