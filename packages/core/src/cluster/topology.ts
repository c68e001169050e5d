/** Which nodes there are, which of them to use next, and which one produces the jobs. */
import { PCGRandom } from "effect/Utils"
import type { Hello, HelloNode } from "../commands/server.js"
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
// More are not taken from one HELLO, the best of them first: each may become a link.
const mostNodes = 1000
/** The port that Disque listens on unless told otherwise. */
const defaultPort = 7711
const never = Number.NEGATIVE_INFINITY

/** Where a node answered. */
interface Met {
  readonly address: string
  /** What the cluster told of its address then. */
  told: string | undefined
}

export class Topology {
  private readonly addressMap: Readonly<Record<string, string>>
  private readonly random: PCGRandom
  private readonly now: () => number
  private readonly entries = new Map<string, Entry>()
  // The address at which a node answered goes before the one that its cluster tells, which may not be one for us: until the
  // cluster tells another one than it did then, and nobody answers at the old one.
  private readonly met = new Map<string, Met>()
  /** The nodes that the cluster tells of, the best first, and their addresses by their ids. */
  private listed: ReadonlyArray<HelloNode> = []
  private told = new Map<string, string>()
  /** When addresses failed that have not answered since. */
  private readonly down = new Map<string, number>()
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

  /** Whether there is a node at an address. */
  has(address: string): boolean {
    return this.entries.has(address)
  }

  /** Their addresses. */
  get addresses(): Iterable<string> {
    return this.entries.keys()
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

  /**
   * The addresses of which it is not known which nodes are there: seeds that were not asked yet, and those where a node answered
   * that is said to be elsewhere now.
   */
  get unidentified(): ReadonlyArray<string> {
    const unidentified: Array<string> = []
    for (const [address, { id, isSeed }] of this.entries) {
      if (id === undefined ? isSeed : this.isDoubtful(address, id)) unidentified.push(address)
    }
    return unidentified
  }

  /** Takes over what the node that was dialed at `address` says of its cluster. */
  learn(address: string, hello: Hello): void {
    const before = this.fingerprint()
    this.hasLearned = true
    // A node that came back under another id is listed twice at its address: as failed, and as it is now.
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

  /** Takes over that the node that was dialed at `address` has this id. */
  identify(address: string, id: string): void {
    const before = this.fingerprint()
    this.name(address, id)
    this.arrange()
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
    return (this.placeOf(id) ?? address) === address
  }

  /** Whether the node that answered at an address is said to be elsewhere since. */
  private isDoubtful(address: string, id: string): boolean {
    const met = this.met.get(id)
    const told = this.told.get(id)
    return met?.address === address && told !== undefined && told !== met.told && told !== address
  }

  /** Where a node is to be found. Where nobody answers in either place, they are tried in turn. */
  private placeOf(id: string): string | undefined {
    const met = this.met.get(id)
    const told = this.told.get(id)
    if (met === undefined || told === undefined) return met?.address ?? told
    return this.isDoubtful(met.address, id) && this.downSince(met.address) > this.downSince(told) ? told : met.address
  }

  private downSince(address: string): number {
    return this.down.get(address) ?? never
  }

  /** Takes over that a node answered at an address. */
  private name(address: string, id: string): void {
    const own = this.entries.get(address)
    this.down.delete(address)
    for (const [other, met] of this.met) if (met.address === address && other !== id) this.met.delete(other)
    const met = this.met.get(id)
    // Of two names by which it answers the first one stays.
    if (met === undefined || this.isDoubtful(met.address, id) || this.down.has(met.address)) {
      this.met.set(id, { address, told: this.told.get(id) })
    } else if (met.address === address || met.told === undefined) {
      met.told = this.told.get(id)
    }
    if (own !== undefined) own.id = id
  }

  /** Puts each node of the cluster where it is to be found. */
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
      // Whoever was there is elsewhere or gone: it may be another one when it is back.
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

  /** The address to dial for one that a node tells of; none where that is no address. */
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

const isHost = (host: string): boolean =>
  host.length <= 255 &&
  (/^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?$/.test(host) ||
    (/^[0-9a-f]{0,4}(:[0-9a-f]{0,4}){2,7}(\.\d{1,3}){0,3}$/i.test(host) && !/:::|::.*::/.test(host)))

const format = (host: string, port: number): string => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`)

const isAddress = (host: string, port: number): boolean =>
  isHost(host) && Number.isInteger(port) && port >= 1 && port <= 65_535

/** What an address is for who is told that something is none. */
export const expectedAddress = "the address of a node: host:port, [IPv6]:port or unix:/path of a socket"

// What has slashes to begin with, or a colon and an @, is more likely a URL with a password in it.
const isSocket = (text: string): boolean => /^unix:\/(?!\/)/.test(text) && !/:.*[:@]/s.test(text)

/** An address as the nodes have it, of one without a scheme or a password. The port of Disque need not be named. */
export const readAddress = (text: unknown): string | undefined => {
  if (typeof text !== "string") return undefined
  if (isSocket(text)) return text
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? plain ?? text
  if (bracketed !== undefined && !bracketed.includes(":")) return undefined
  const number = port === undefined ? defaultPort : Number(port)
  return isAddress(host, number) ? format(host, number) : undefined
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
