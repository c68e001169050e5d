import { compareJobs, type Job } from "./job.js"

/** The most jobs of a block. A split leaves half of them in each. */
const blockSize = 512

/**
 * The jobs of one queue in their order, in sorted blocks. To add at the end or take the head is O(1). To add or remove elsewhere
 * takes a binary search and a move within one block.
 */
export class JobList {
  private readonly blocks: Array<Array<Job>> = []
  length = 0

  /** The oldest job. */
  get first(): Job | undefined {
    return this.blocks[0]?.[0]
  }

  add(job: Job): void {
    this.length++
    const last = this.blocks[this.blocks.length - 1]
    const youngest = last?.[last.length - 1]
    if (last === undefined || youngest === undefined) {
      this.blocks.push([job])
    } else if (compareJobs(youngest, job) < 0) {
      if (last.length < blockSize) last.push(job)
      else this.blocks.push([job])
    } else {
      const index = this.blockOf(job)
      const block = this.blocks[index] as Array<Job>
      block.splice(placeIn(block, job), 0, job)
      if (block.length > blockSize) this.blocks.splice(index + 1, 0, block.splice(blockSize >> 1))
    }
  }

  /** Removes the oldest job and returns it. */
  shift(): Job | undefined {
    const block = this.blocks[0]
    const job = block?.shift()
    if (block === undefined || job === undefined) return undefined
    this.length--
    if (block.length === 0) this.blocks.shift()
    return job
  }

  remove(job: Job): void {
    const index = this.blockOf(job)
    const block = this.blocks[index]
    if (block === undefined) return
    const place = placeIn(block, job)
    if (block[place] !== job) return
    this.length--
    block.splice(place, 1)
    if (block.length === 0) this.blocks.splice(index, 1)
  }

  /** Up to `count` jobs: the oldest first, or the newest first if `newest` is set. */
  peek(count: number, newest: boolean): ReadonlyArray<Job> {
    const jobs: Array<Job> = []
    for (let i = 0; i < this.blocks.length && jobs.length < count; i++) {
      const block = this.blocks[newest ? this.blocks.length - 1 - i : i] as Array<Job>
      for (let k = 0; k < block.length && jobs.length < count; k++) {
        jobs.push(block[newest ? block.length - 1 - k : k] as Job)
      }
    }
    return jobs
  }

  /** The first block whose youngest job is not older than this one. */
  private blockOf(job: Job): number {
    let low = 0
    let high = this.blocks.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      const block = this.blocks[middle] as Array<Job>
      if (compareJobs(block[block.length - 1] as Job, job) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The place of the first job that is not older than this one. */
const placeIn = (block: ReadonlyArray<Job>, job: Job): number => {
  let low = 0
  let high = block.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareJobs(block[middle] as Job, job) < 0) low = middle + 1
    else high = middle
  }
  return low
}
