/**
 * Which nodes jobs are fetched from: all of the cluster, or with the option `cycle` one, which is chosen anew after so many jobs by
 * the node that most jobs come from.
 */
import type { Job } from "../Job.js"
import { Origins } from "./origins.js"

// A move to another node is worth it if this many times as many jobs come from there.
const worthMoving = 1.5

/** What the job source needs. */
interface Needs {
  /** After how many jobs the node is chosen anew; undefined if jobs are fetched from all nodes. */
  readonly cycle: number | undefined
  readonly cluster: {
    readonly node: string
    readonly changes: { notify(): void }
    readonly topology: {
      readonly members: ReadonlyArray<string>
      readonly nodes: ReadonlyArray<{ readonly address: string; readonly id: string | undefined }>
      byPrefix(prefix: string): string | undefined
      isToLeave(address: string): boolean
    }
  }
}

export class JobSource {
  private readonly needs: Needs
  private readonly origins = new Origins()
  private chosen: string | undefined = undefined
  private fetched = 0

  constructor(needs: Needs) {
    this.needs = needs
  }

  /** The node that was chosen because most jobs come from it; undefined if the node in use is as good. */
  get node(): string | undefined {
    return this.chosen !== undefined && !this.needs.cluster.topology.isToLeave(this.chosen) ? this.chosen : undefined
  }

  /** The nodes that a consumer fetches from. */
  get nodes(): ReadonlyArray<string> {
    const { cluster, cycle } = this.needs
    return cycle === undefined ? cluster.topology.members : [this.chosen ?? cluster.node]
  }

  /** Takes note of jobs that were fetched. */
  received(jobs: ReadonlyArray<Job>): void {
    const { cluster, cycle } = this.needs
    if (cycle === undefined) return
    for (const job of jobs) this.origins.count(job.id)
    this.fetched += jobs.length
    if (this.fetched < cycle) return
    this.fetched = 0
    const { topology } = cluster
    const from = this.chosen ?? cluster.node
    const here = topology.nodes.find(({ address }) => address === from)?.id?.slice(0, 8)
    const leader = this.origins.leader(here)
    if (leader === undefined || leader.ratio < worthMoving) return
    const node = topology.byPrefix(leader.prefix)
    if (node === undefined || node === from || topology.isToLeave(node)) return
    this.chosen = node
    cluster.changes.notify()
  }

  /** Takes note that a node failed. */
  nodeFailed(node: string): void {
    if (node !== this.chosen) return
    this.chosen = undefined
    this.needs.cluster.changes.notify()
  }
}
