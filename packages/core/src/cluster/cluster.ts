/** What is known of the cluster, and which of its nodes is in use: the node that commands go to. */
import * as Effect from "effect/Effect"
import type { Line } from "../internal/notices.js"
import { Changes } from "./changes.js"
import { Topology } from "./topology.js"

/** What the cluster needs. */
interface Needs {
  readonly seeds: ReadonlyArray<string>
  readonly addressMap: Readonly<Record<string, string>>
  readonly randomSeed: number
  readonly now: () => number
  /** Logs from a callback. */
  readonly say: (kind: string, line: Line) => void
  readonly refresh: { readonly hasEnded: boolean; soon(): void }
  /** Called after nodes have come, gone, or changed their priority. */
  readonly onNodesChanged: () => void
}

export class Cluster {
  readonly topology: Topology
  /** Tells when other nodes are to be used, for commands or for fetching. */
  readonly changes = new Changes()
  private readonly needs: Needs
  private current: string
  private mustMove = false

  constructor(needs: Needs) {
    const { addressMap, now, randomSeed, seeds } = needs
    this.needs = needs
    this.topology = new Topology({ seeds, addressMap, randomSeed, now, onChange: () => this.nodesChanged() })
    this.current = this.topology.candidates("")[0] ?? ""
  }

  /** The address of the node in use. */
  get node(): string {
    return this.current
  }

  /** Whether another node has to be found, because the one in use failed or is leaving. */
  get hasToMove(): boolean {
    return this.mustMove
  }

  /** All nodes, the one in use first and the others in the order in which to try them. */
  get nodesToAsk(): ReadonlyArray<string> {
    return [this.current, ...this.topology.candidates(this.current).filter((node) => node !== this.current)]
  }

  /** Has commands go to a node from now on. */
  use(node: string): void {
    this.mustMove = false
    if (node === this.current) return
    const from = this.current
    this.current = node
    // Before the first answer it is no news that some seed is not there.
    if (!this.needs.refresh.hasEnded) return
    this.needs.say(`use ${from}`, (more) =>
      Effect.logWarning(`${from} cannot be used at present: commands go to ${node}${more}`)
    )
    this.changes.notify()
  }

  /** Notes that a node failed or refuses to work: another one is used, and the cluster is asked what is the matter. */
  nodeFailed(node: string): void {
    this.topology.failed(node)
    if (node === this.current) this.mustMove = true
    this.needs.refresh.soon()
  }

  /** Notes that a node took no link. Then it is left even if links to it still work. */
  dialFailed(node: string): void {
    this.topology.failed(node)
    if (!this.needs.refresh.hasEnded || !this.topology.hasFit) return
    if (node === this.current) this.mustMove = true
    this.needs.refresh.soon()
  }

  private nodesChanged(): void {
    if (this.topology.isToLeave(this.current)) this.mustMove = true
    this.changes.notify()
    this.needs.onNodesChanged()
  }
}
