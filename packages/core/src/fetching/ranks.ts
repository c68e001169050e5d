/**
 * Which queues are named in a row of GETJOBs that take jobs from those named first before the others.
 *
 * Disque takes one job from each name in turn, and goes round again only if that was not enough. So a queue that is named as
 * often as there is room for jobs is empty before one named after it has its turn; and one job asked of all queues comes from the
 * first that has any, and says that those before it are empty.
 */
import type { Job } from "../Job.js"

/** What the next GETJOB asks for. */
export interface Ask {
  readonly queues: ReadonlyArray<string>
  readonly count: number
}

// The most names in a GETJOB that names queues several times, and the number of queues that are asked at first for any job.
const mostNames = 256
// A poll that finds nothing asks ever more queues at once; the limit is there because a node does nothing else meanwhile.
const growth = 8
const mostAsked = 16_384

/** Takes so many jobs from one node, in as many GETJOBs as that takes. */
export class RankedPoll {
  private readonly names: ReadonlyArray<string>
  /** Queues before this one are empty. */
  private at = 0
  private left: number
  private asked = mostNames
  /** Whether the queue at hand had a job, so that it may have more. */
  private isFound = false
  /** How many queues the last GETJOB named, and whether it empties them if there is room. */
  private last = { size: 0, isWhole: false }

  /** The names come without repetition. */
  constructor(names: ReadonlyArray<string>, count: number) {
    this.names = names
    this.left = count
  }

  /** The next GETJOB; undefined if there is no more room, or no more queue. */
  next(): Ask | undefined {
    const { at, left, names } = this
    const rest = names.length - at
    if (left <= 0 || rest <= 0) return undefined
    const fits = Math.max(1, Math.floor(mostNames / left))
    if (this.isFound || rest <= fits) {
      const size = Math.min(rest, fits)
      this.last = { size, isWhole: true }
      const queues = names.slice(at, at + size)
      // The last of them needs no repetition: all others are empty when it has its second turn.
      return {
        queues: queues.flatMap((name, i) => (i < size - 1 ? Array<string>(left).fill(name) : name)),
        count: left
      }
    }
    const size = Math.min(rest, this.asked)
    this.asked = Math.min(this.asked * growth, mostAsked)
    this.last = { size, isWhole: false }
    return { queues: names.slice(at, at + size), count: 1 }
  }

  /** Takes note of the reply to the last GETJOB. */
  received(jobs: ReadonlyArray<Job>): void {
    const { isWhole, size } = this.last
    this.left -= jobs.length
    const [first] = jobs
    const found = isWhole || first === undefined ? -1 : this.names.indexOf(first.queue, this.at)
    this.isFound = found >= 0
    this.at = this.isFound ? found : this.at + size
  }
}
