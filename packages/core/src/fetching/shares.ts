/**
 * In which order queues are named in the next GETJOB, so that each has its share over time, however few jobs there is room for.
 *
 * Disque takes one job from each queue in the order in which they are named, and again, until it has as many as were asked for:
 * a GETJOB for one job takes it from the first queue that has any. So the queue that is furthest behind is named first.
 */
import type { Job } from "../Job.js"

/** A queue, and how much of its share it has had. */
interface Queue {
  readonly name: string
  readonly index: number
  /** How often it was named. */
  readonly weight: number
  /** How far one job brings it. */
  readonly stride: number
  /** On how many nodes the queue had jobs when they were last asked. */
  nodesWithJobs: number
  /** How far it is ahead of the one that is furthest behind; meaningful while some node has jobs of the queue. */
  ahead: number
  /** When it last had its turn, counted in jobs. */
  turn: number
  // The values that `ahead` and `turn` would have after the jobs that are planned, and how many are planned.
  plannedAhead: number
  plannedTurn: number
  planned: number
}

/** How far a queue comes forward with as many jobs as it has weight. All weights up to 16 divide this number. */
const round = 720_720
// A GETJOB names no more queues than this, but for those that would not be named at all.
const mostNames = 256

const isBefore = (a: Queue, b: Queue): boolean =>
  a.plannedAhead < b.plannedAhead || (a.plannedAhead === b.plannedAhead && a.plannedTurn < b.plannedTurn)

const byPlan = (a: Queue, b: Queue): number => a.plannedAhead - b.plannedAhead || a.plannedTurn - b.plannedTurn

/** The shares of a consumer's queues, over all of its nodes. A queue has as many as it is named times. */
export class Shares {
  /** Each queue once. */
  readonly queues: ReadonlyArray<Queue>
  readonly nodes = new Set<NodeShares>()
  /** How many names make a round, in which every queue has all of its turns. */
  readonly length: number
  readonly count: number
  turn = 0

  /** `count` is the most jobs that one GETJOB takes. */
  constructor(names: ReadonlyArray<string>, count: number) {
    const weights = new Map<string, number>()
    for (const name of names) weights.set(name, (weights.get(name) ?? 0) + 1)
    this.length = names.length
    this.count = count
    this.queues = [...weights].map(([name, weight], index) => ({
      name,
      index,
      weight,
      stride: Math.ceil(round / weight),
      nodesWithJobs: 0,
      ahead: 0,
      turn: index - weights.size,
      plannedAhead: 0,
      plannedTurn: 0,
      planned: 0
    }))
  }

  /** The queue had a job. */
  served(queue: Queue): void {
    queue.ahead += queue.stride
    queue.turn = this.turn
    this.turn += 1
  }

  /** Measures all from the one that is furthest behind. */
  level(): void {
    let least = Number.POSITIVE_INFINITY
    for (const queue of this.queues) if (queue.nodesWithJobs > 0) least = Math.min(least, queue.ahead)
    if (least === Number.POSITIVE_INFINITY) return
    // A queue of which the nodes asked meanwhile have no jobs catches up later, on the nodes that have some; but by no more
    // than all nodes fetch in a round, or it would keep the others out for too long when it has more jobs.
    const most = this.nodes.size * this.count * round
    for (const queue of this.queues) if (queue.nodesWithJobs > 0) queue.ahead = Math.min(queue.ahead - least, most)
  }
}

/** The queues as one loop sees them. A loop sends each GETJOB after the reply to the one before. */
export class NodeShares {
  private readonly shares: Shares
  private readonly holds: Array<boolean>
  private readonly plan: Array<Queue> = []
  /** All queues as they were in order last time, from which little differs the next time. */
  private readonly ordered: Array<Queue>

  constructor(shares: Shares) {
    this.shares = shares
    this.holds = shares.queues.map(() => false)
    this.ordered = [...shares.queues]
  }

  /** The loop begins. */
  join(): void {
    this.shares.nodes.add(this)
  }

  /**
   * The queues as a GETJOB for at most `count` jobs is to name them. Each is named, some several times, so that when all of
   * them have jobs each gets its share. The queues that were empty on this node come first, to be served at once.
   */
  order(count: number): ReadonlyArray<string> {
    const { holds, plan } = this
    const { length, queues } = this.shares
    let behind = Number.POSITIVE_INFINITY
    for (const { ahead, index } of queues) if (holds[index] === true) behind = Math.min(behind, ahead)
    if (behind === Number.POSITIVE_INFINITY) behind = 0
    for (const queue of queues) {
      const isHeld = holds[queue.index] === true
      queue.planned = 0
      queue.plannedAhead = isHeld ? queue.ahead : behind
      queue.plannedTurn = isHeld ? queue.turn : queue.index - 2 * queues.length
    }
    const { ordered } = this
    ordered.sort(byPlan)
    let { turn } = this.shares
    const most = Math.min(count, mostNames)
    plan.length = 0
    // The queues that are planned: the others follow in their order.
    let begun = 0
    while (plan.length < most) {
      let next = ordered[begun]
      for (let i = 0; i < begun; i++) {
        const queue = ordered[i] as Queue
        if (next === undefined || isBefore(queue, next)) next = queue
      }
      if (next === undefined) break
      if (next === ordered[begun]) begun += 1
      plan.push(next)
      next.planned += 1
      next.plannedAhead += next.stride
      next.plannedTurn = turn++
      // From here on it would be the same again, which Disque does by itself.
      if (plan.length === length && queues.every(({ planned, weight }) => planned === weight)) break
    }
    for (let i = begun; i < ordered.length; i++) plan.push(ordered[i] as Queue)
    return plan.map(({ name }) => name)
  }

  /** Takes note of the reply to a GETJOB that named the queues in the order last given, and asked for `count` jobs. */
  received(jobs: ReadonlyArray<Job>, count: number): void {
    // Disque goes round the queues: a queue that it passed over had no jobs, and is passed over from then on.
    let round: ReadonlyArray<Queue> = this.plan
    let served: Array<Queue> = []
    let at = 0
    for (const { queue: name } of jobs) {
      let isFound = false
      // A queue that is in neither the rest of this round nor the next one was not asked for.
      for (let turns = 0; !isFound && turns < 2; ) {
        const queue = round[at]
        if (queue === undefined) {
          round = served
          served = []
          at = 0
          turns += 1
          continue
        }
        at += 1
        isFound = queue.name === name
        if (isFound) {
          this.found(queue)
          this.shares.served(queue)
          served.push(queue)
        } else {
          this.lacked(queue)
        }
      }
    }
    if (jobs.length < count) this.forget()
    this.shares.level()
  }

  // A queue that waited nowhere has neither claims nor debts: it begins beside the one that is furthest behind.
  private found(queue: Queue): void {
    if (this.holds[queue.index] === true) return
    this.holds[queue.index] = true
    if (queue.nodesWithJobs === 0) queue.ahead = 0
    queue.nodesWithJobs += 1
  }

  private lacked(queue: Queue): void {
    if (this.holds[queue.index] !== true) return
    this.holds[queue.index] = false
    queue.nodesWithJobs -= 1
  }

  /** No queue is known to have jobs on the node. */
  forget(): void {
    for (const queue of this.shares.queues) this.lacked(queue)
  }

  /** The loop has ended. */
  leave(): void {
    this.forget()
    this.shares.nodes.delete(this)
    this.shares.level()
  }
}
