/** The links to the node in use, or to the first other node that can be used, which is in use from then on. */
import * as Effect from "effect/Effect"
import { allFailed, tryNodes } from "../cluster/tryNodes.js"
import type { DialError } from "../DisqueLink.js"
import type { NodeLinks } from "./nodeLinks.js"

/** What the search for a node needs. */
interface Needs {
  readonly cluster: {
    readonly node: string
    readonly hasToMove: boolean
    use(node: string): void
    readonly topology: { candidates(current: string): ReadonlyArray<string> }
  }
  readonly links: { to(node: string): NodeLinks }
}

export class NodeInUse {
  private readonly needs: Needs

  constructor(needs: Needs) {
    this.needs = needs
  }

  /** The links to the node in use; undefined if its shared link is not open, or another node has to be found. */
  get now(): NodeLinks | undefined {
    const { cluster, links } = this.needs
    const current = links.to(cluster.node)
    return current.sharedNow === undefined || cluster.hasToMove ? undefined : current
  }

  /** The links to a node whose shared link is open. */
  readonly reach: Effect.Effect<NodeLinks, DialError> = Effect.suspend(() => {
    const { now } = this
    return now === undefined ? this.search : Effect.succeed(now)
  })

  private readonly search: Effect.Effect<NodeLinks, DialError> = Effect.suspend(() => {
    const { cluster, links } = this.needs
    const failures: Array<DialError> = []
    return Effect.catchAll(
      tryNodes(cluster.topology.candidates(cluster.node), failures, (node) => {
        const found = links.to(node)
        return Effect.map(found.sharedLink, () => {
          cluster.use(node)
          return found
        })
      }),
      () => allFailed(failures)
    )
  })
}
