/** Which nodes there are, which of them to use next, and which one produces the jobs. */
import { PCGRandom } from "effect/Utils"
import type { Hello } from "../commands/server.js"
import * as JobId from "../JobId.js"

/** What is known of a node. */
export interface NodeState {
  /** The address to dial, by which the node is known everywhere. */
  readonly address: string
  /** Unknown until the node, or another one of its cluster, has told it. */
  readonly id: string | undefined
  /** As HELLO tells it: 1 is fine, 100 and more failed or leaving. */
  readonly priority: number
  /** Until when it is rather not used, because it failed or refused to work; by the clock that the topology was given. */
  readonly restsUntil: number
}

interface Entry {
  id: string | undefined
  priority: number
  failures: number
  failedAt: number
  restsUntil: number
  isSeed: boolean
}

/** From here on a node is failed or leaving. */
export const badPriority = 100
const leastRestMillis = 250
const mostRestMillis = 30_000
// A node that was well for so long begins anew where it fails again.
const healedMillis = 60_000

export class Topology {
  private readonly addressMap: Readonly<Record<string, string>>
  private readonly random: PCGRandom
  private readonly now: () => number
  private readonly entries = new Map<string, Entry>()
  // The address by which a node was dialled goes before the one that its cluster tells.
  private readonly dialled = new Map<string, string>()
  private hasLearned = false
  private size = 1
  /** Called when nodes have come, gone, or changed their priority. */
  onChange: () => void = () => {}

  constructor(
    seeds: ReadonlyArray<string>,
    addressMap: Readonly<Record<string, string>>,
    seed: number,
    now: () => number
  ) {
    this.addressMap = addressMap
    this.random = new PCGRandom(seed)
    this.now = now
    for (const address of seeds) this.entries.set(address, this.entry(true))
  }

  /** All nodes: those of the cluster, and the seeds. */
  get nodes(): ReadonlyArray<NodeState> {
    return [...this.entries].map(([address, { id, priority, restsUntil }]) => ({ address, id, priority, restsUntil }))
  }

  /**
   * The nodes to work with: those of the cluster that are neither failed nor leaving. Before any node has told what its
   * cluster is, the seeds.
   */
  get members(): ReadonlyArray<string> {
    const members: Array<string> = []
    for (const [address, entry] of this.entries) {
      const isKnown = entry.id === undefined ? !this.hasLearned : this.isName(address, entry.id)
      if (isKnown && entry.priority < badPriority) members.push(address)
    }
    return members
  }

  /** Whether there is more than one node to work with. */
  get isCluster(): boolean {
    return this.size > 1
  }

  /** Seeds of which it is not known which nodes they are. */
  get unidentified(): ReadonlyArray<string> {
    return [...this.entries].filter(([, entry]) => entry.isSeed && entry.id === undefined).map(([address]) => address)
  }

  /** Takes over what the node that was dialled at `address` says of its cluster. */
  learn(address: string, hello: Hello): void {
    const before = this.fingerprint()
    this.hasLearned = true
    this.name(address, hello.id)
    const members = new Set<string>()
    // A node that came back under another id is listed twice at its address: as failed, and as it is now.
    for (const node of [...hello.nodes].sort((a, b) => a.priority - b.priority)) {
      const at = this.dialled.get(node.id) ?? this.addressOf(node.host, node.port)
      if (at === undefined || members.has(at)) continue
      const entry = this.entries.get(at) ?? this.entry(false)
      this.entries.set(at, entry)
      entry.id = node.id
      entry.priority = node.priority
      members.add(at)
    }
    for (const [at, entry] of this.entries) {
      if (members.has(at)) continue
      if (entry.isSeed) entry.priority = 1
      else this.entries.delete(at)
    }
    this.size = this.members.length
    if (this.fingerprint() !== before) this.onChange()
  }

  /** Takes over that the node that was dialled at `address` has this id. */
  identify(address: string, id: string): void {
    const before = this.fingerprint()
    this.name(address, id)
    if (this.fingerprint() !== before) this.onChange()
  }

  /** The node whose id begins so, as those of the jobs it took do. */
  byPrefix(prefix: string): string | undefined {
    for (const [address, { id }] of this.entries) {
      if (id?.startsWith(prefix) === true && this.isName(address, id)) return address
    }
    return undefined
  }

  /** The node failed, or refused to work: others go first for a while, the longer the more often it happened. */
  failed(address: string): void {
    const entry = this.entries.get(address)
    if (entry === undefined) return
    const now = this.now()
    if (now < entry.restsUntil) return
    entry.failures = now - entry.failedAt > healedMillis ? 1 : entry.failures + 1
    entry.failedAt = now
    const rest = Math.min(mostRestMillis, leastRestMillis * 2 ** Math.min(entry.failures - 1, 16))
    entry.restsUntil = now + rest * (0.5 + this.random.number() / 2)
  }

  /** How long the node still rests: in whole milliseconds, after which the rest is over. */
  restMillis(address: string): number {
    const entry = this.entries.get(address)
    return entry === undefined ? 0 : Math.max(0, Math.ceil(entry.restsUntil - this.now()))
  }

  /** Whether the node is to be left for another one. */
  isToLeave(address: string): boolean {
    const entry = this.entries.get(address)
    return entry === undefined || entry.priority >= badPriority || this.restMillis(address) > 0
  }

  /** Whether there is a node that is fit to work. */
  get hasFit(): boolean {
    for (const address of this.entries.keys()) if (!this.isToLeave(address)) return true
    return false
  }

  /**
   * All nodes in the order in which to try them: first those that do not rest, then those of the better priority, the one in
   * use before its equals, and else by chance, so that the clients of a node that died do not all go to the same one.
   */
  candidates(current: string): ReadonlyArray<string> {
    const now = this.now()
    return [...this.entries]
      .map(([address, entry]) => ({
        address,
        rests: entry.restsUntil > now,
        isBad: entry.priority >= badPriority,
        // A seed that is no member of the cluster that was told of may be one under another name.
        priority: entry.priority + (entry.id === undefined && this.hasLearned ? badPriority : 0),
        order: address === current ? -1 : this.random.number()
      }))
      .sort(
        (a, b) =>
          Number(a.isBad) - Number(b.isBad) ||
          Number(a.rests) - Number(b.rests) ||
          a.priority - b.priority ||
          a.order - b.order
      )
      .map(({ address }) => address)
  }

  // A node may have several addresses, of which one is used.
  private isName(address: string, id: string): boolean {
    return (this.dialled.get(id) ?? address) === address
  }

  private name(address: string, id: string): void {
    for (const [other, at] of this.dialled) if (at === address && other !== id) this.dialled.delete(other)
    if (!this.dialled.has(id)) this.dialled.set(id, address)
    const own = this.entries.get(address)
    for (const [other, entry] of this.entries) {
      if (entry.id !== id || other === this.dialled.get(id) || entry.isSeed) continue
      if (own !== undefined) own.priority = entry.priority
      this.entries.delete(other)
    }
    if (own !== undefined) own.id = id
  }

  private addressOf(host: string, port: number): string | undefined {
    if (host === "") return undefined
    const told = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
    return this.addressMap[told] ?? told
  }

  private entry(isSeed: boolean): Entry {
    const never = Number.NEGATIVE_INFINITY
    return { id: undefined, priority: 1, failures: 0, failedAt: never, restsUntil: never, isSeed }
  }

  private fingerprint(): string {
    return [...this.entries].map(([address, { id, priority }]) => `${address} ${id} ${priority}`).join()
  }
}

/** How many of the last jobs count: older ones fade. */
const windowOf = 500

/** Which node the jobs come from, by the ids of those that were fetched. */
export class Origins {
  private readonly counts = new Map<string, number>()
  private weight = 1

  /** Counts a job that was fetched. */
  count(id: JobId.JobId): void {
    const origin = JobId.origin(id)
    // Instead of making all others lighter, each job weighs more than the one before.
    this.weight *= 1 + 1 / windowOf
    this.counts.set(origin, (this.counts.get(origin) ?? 0) + this.weight)
    if (this.weight > 1e9) {
      for (const [origin, sum] of this.counts) {
        if (sum < 1) this.counts.delete(origin)
        else this.counts.set(origin, sum / this.weight)
      }
      this.weight = 1
    }
  }

  /** The prefix of the node that most jobs come from, and how many times as many as from `prefix`. */
  leader(prefix: string | undefined): { readonly prefix: string; readonly ratio: number } | undefined {
    let leader: { readonly prefix: string; readonly sum: number } | undefined
    for (const [prefix, sum] of this.counts) if (leader === undefined || sum > leader.sum) leader = { prefix, sum }
    if (leader === undefined) return undefined
    const own = prefix === undefined ? 0 : (this.counts.get(prefix) ?? 0)
    return { prefix: leader.prefix, ratio: own === 0 ? Number.POSITIVE_INFINITY : leader.sum / own }
  }
}
