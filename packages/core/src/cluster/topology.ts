/** Which nodes there are, where they are, and which of them to use next. */
import { PCGRandom } from "effect/Utils"
import type { Hello, HelloNode } from "../commands/server.js"
import { format, isAddress } from "./address.js"

/** What is known of a node. */
export interface NodeState {
  /** The address to dial, by which the node is known everywhere. */
  readonly address: string
  /** Undefined until the node, or another one of its cluster, has told its id. */
  readonly id: string | undefined
  /** As HELLO tells it: 1 is fine, 100 and more failed or leaving. */
  readonly priority: number
  /** Until when other nodes are preferred, because this one failed or refused to work; by the clock of the topology. */
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
// A node that was well for this long rests only briefly when it fails again.
const healedMillis = 60_000
// The most nodes that are taken from one HELLO, the best of them: each may become a link.
const mostNodes = 1000
const never = Number.NEGATIVE_INFINITY

/** An address at which a node answered. */
interface Met {
  readonly address: string
  /** The address that the cluster told at that time. */
  told: string | undefined
}

/** What a topology needs. */
interface Needs {
  /** The addresses to start with. */
  readonly seeds: ReadonlyArray<string>
  /** Where nodes are for this program, by the addresses at which the nodes know each other. */
  readonly addressMap: Readonly<Record<string, string>>
  /** The order of equal nodes is by chance. */
  readonly randomSeed: number
  readonly now: () => number
  /** Called when nodes have come, gone, or changed their priority. */
  readonly onChange: () => void
}

export class Topology {
  private readonly addressMap: Readonly<Record<string, string>>
  private readonly random: PCGRandom
  private readonly now: () => number
  private readonly entries = new Map<string, Entry>()
  // The address at which a node answered goes before the address that its cluster tells, which may not be reachable from here: until
  // the cluster tells another address than it did then, and nobody answers at the old one.
  private readonly met = new Map<string, Met>()
  /** The nodes in the last HELLO, the best first, and their addresses by their ids. */
  private listed: ReadonlyArray<HelloNode> = []
  private told = new Map<string, string>()
  /** The addresses that have not answered since they failed, and when they failed. */
  private readonly down = new Map<string, number>()
  private hasLearned = false
  private size = 1
  private readonly onChange: () => void

  constructor({ addressMap, now, onChange, randomSeed, seeds }: Needs) {
    this.addressMap = addressMap
    this.random = new PCGRandom(randomSeed)
    this.now = now
    this.onChange = onChange
    for (const address of seeds) this.entries.set(address, this.entry(true))
  }

  /** All nodes: those of the cluster, and the seeds. */
  get nodes(): ReadonlyArray<NodeState> {
    return [...this.entries].map(([address, { id, priority, restsUntil }]) => ({ address, id, priority, restsUntil }))
  }

  /** Whether there is a node at an address. */
  has(address: string): boolean {
    return this.entries.has(address)
  }

  /** The addresses of all nodes. */
  get addresses(): Iterable<string> {
    return this.entries.keys()
  }

  /**
   * The nodes to work with: those of the cluster that are neither failed nor leaving. Before any node has answered a HELLO, the
   * seeds.
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

  /**
   * The addresses at which it is unknown which node is there: seeds that were not asked yet, and addresses whose node is now said to
   * be elsewhere.
   */
  get unidentified(): ReadonlyArray<string> {
    const unidentified: Array<string> = []
    for (const [address, { id, isSeed }] of this.entries) {
      if (id === undefined ? isSeed : this.isDoubtful(address, id)) unidentified.push(address)
    }
    return unidentified
  }

  /** Learns from the HELLO of the node at `address`. */
  learn(address: string, hello: Hello): void {
    const before = this.fingerprint()
    this.hasLearned = true
    // A node that came back with another id is listed twice at its address: as failed, and as it is now.
    this.listed = [...hello.nodes].sort((a, b) => a.priority - b.priority).slice(0, mostNodes)
    this.told = new Map()
    for (const { host, id, port } of this.listed) {
      const told = this.addressOf(host, port)
      if (told !== undefined && !this.told.has(id)) this.told.set(id, told)
    }
    for (const id of this.met.keys()) if (id !== hello.id && !this.told.has(id)) this.met.delete(id)
    this.name(address, hello.id)
    this.arrange()
    if (this.fingerprint() !== before) this.onChange()
  }

  /** Learns that the node at `address` has this id. */
  identify(address: string, id: string): void {
    const before = this.fingerprint()
    this.name(address, id)
    this.arrange()
    if (this.fingerprint() !== before) this.onChange()
  }

  /** The node whose id begins with the prefix, as it is in the ids of the jobs that the node took. */
  byPrefix(prefix: string): string | undefined {
    for (const [address, { id }] of this.entries) {
      if (id?.startsWith(prefix) === true && this.isName(address, id)) return address
    }
    return undefined
  }

  /** Notes that a node failed or refused to work: other nodes are preferred for a while, longer each time. */
  failed(address: string): void {
    const entry = this.entries.get(address)
    if (entry === undefined) return
    const now = this.now()
    const { id } = entry
    const place = id === undefined ? undefined : this.placeOf(id)
    this.down.set(address, now)
    if (id !== undefined && this.placeOf(id) !== place) this.rearrange()
    if (now < entry.restsUntil) return
    entry.failures = now - entry.failedAt > healedMillis ? 1 : entry.failures + 1
    entry.failedAt = now
    const rest = Math.min(mostRestMillis, leastRestMillis * 2 ** Math.min(entry.failures - 1, 16))
    entry.restsUntil = now + rest * (0.5 + this.random.number() / 2)
  }

  /** For how many whole milliseconds other nodes are still preferred. */
  restMillis(address: string): number {
    const entry = this.entries.get(address)
    return entry === undefined ? 0 : Math.max(0, Math.ceil(entry.restsUntil - this.now()))
  }

  /** Whether another node is to be used instead of this one. */
  isToLeave(address: string): boolean {
    const entry = this.entries.get(address)
    return entry === undefined || entry.priority >= badPriority || this.restMillis(address) > 0
  }

  /** Whether some node can be used. */
  get hasFit(): boolean {
    for (const address of this.entries.keys()) if (!this.isToLeave(address)) return true
    return false
  }

  /**
   * All nodes in the order in which to try them: first those that do not rest, then those of the better priority, the node in use
   * before its equals, and else by chance, so that the clients of a node that died do not all go to the same one.
   */
  candidates(current: string): ReadonlyArray<string> {
    const now = this.now()
    return [...this.entries]
      .map(([address, entry]) => ({
        address,
        rests: entry.restsUntil > now,
        isBad: entry.priority >= badPriority,
        // A seed that is not in the HELLO may be a member under another name.
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

  // A node may have several addresses; one of them is used.
  private isName(address: string, id: string): boolean {
    return (this.placeOf(id) ?? address) === address
  }

  /** Whether the node that answered at an address is now said to be elsewhere. */
  private isDoubtful(address: string, id: string): boolean {
    const met = this.met.get(id)
    const told = this.told.get(id)
    return met?.address === address && told !== undefined && told !== met.told && told !== address
  }

  /** The address to use for a node. If nobody answers at either of two addresses, they are tried in turn. */
  private placeOf(id: string): string | undefined {
    const met = this.met.get(id)
    const told = this.told.get(id)
    if (met === undefined || told === undefined) return met?.address ?? told
    return this.isDoubtful(met.address, id) && this.downSince(met.address) > this.downSince(told) ? told : met.address
  }

  private downSince(address: string): number {
    return this.down.get(address) ?? never
  }

  /** Notes that a node answered at an address. */
  private name(address: string, id: string): void {
    const own = this.entries.get(address)
    this.down.delete(address)
    for (const [other, met] of this.met) if (met.address === address && other !== id) this.met.delete(other)
    const met = this.met.get(id)
    // Of two addresses at which the node answers, the first stays.
    if (met === undefined || this.isDoubtful(met.address, id) || this.down.has(met.address)) {
      this.met.set(id, { address, told: this.told.get(id) })
    } else if (met.address === address || met.told === undefined) {
      met.told = this.told.get(id)
    }
    if (own !== undefined) own.id = id
  }

  /** Puts each node of the cluster at the address to use for it. */
  private arrange(): void {
    if (!this.hasLearned) return
    const members = new Set<string>()
    for (const { id, priority } of this.listed) {
      const at = this.placeOf(id)
      if (at === undefined || members.has(at)) continue
      const entry = this.entries.get(at) ?? this.entry(false)
      this.entries.set(at, entry)
      entry.id = id
      entry.priority = Math.max(1, priority)
      members.add(at)
    }
    for (const [at, entry] of this.entries) {
      if (members.has(at)) continue
      if (!entry.isSeed) this.entries.delete(at)
      entry.priority = 1
      // The node is elsewhere or gone: another one may answer at this address later.
      if (this.down.has(at)) entry.id = undefined
    }
    const places = new Set(this.told.values())
    for (const { address } of this.met.values()) places.add(address)
    for (const at of this.down.keys()) if (!this.entries.has(at) && !places.has(at)) this.down.delete(at)
    this.size = this.members.length
  }

  private rearrange(): void {
    const before = this.fingerprint()
    this.arrange()
    if (this.fingerprint() !== before) this.onChange()
  }

  /** The address to dial for one that a node tells; undefined if that is no address. */
  private addressOf(host: string, port: number): string | undefined {
    const told = format(host, port)
    const mapped = Object.hasOwn(this.addressMap, told) ? this.addressMap[told] : undefined
    return mapped ?? (isAddress(host, port) ? told : undefined)
  }

  private entry(isSeed: boolean): Entry {
    return { id: undefined, priority: 1, failures: 0, failedAt: never, restsUntil: never, isSeed }
  }

  private fingerprint(): string {
    return [...this.entries].map(([address, { id, priority }]) => `${address} ${id} ${priority}`).join()
  }
}
