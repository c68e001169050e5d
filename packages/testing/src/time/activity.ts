/** What moves in a test: fibers that are about to run, and what else the parts of the kit report. */
import * as Scheduler from "effect/Scheduler"

// A program that runs so often without waiting for time does not come to rest.
const mostRuns = 1_000_000

// What is done by promises may take a few of them.
const stillTurns = 2

/** A scheduler for the fibers of one process of a test. */
export interface ProcessScheduler extends Scheduler.Scheduler {
  /** From now on no fiber of the process runs any further, not even its finalizers. */
  readonly kill: () => void
}

export class Activity {
  private waiting = 0
  private moves = 0
  private runs = 0

  /** How much has moved so far. */
  get count(): number {
    return this.moves
  }

  /** Something has moved that is not a fiber. */
  moved(): void {
    this.moves++
  }

  /** Virtual time has passed. */
  timePassed(): void {
    this.moves++
    this.runs = 0
  }

  /** Makes a scheduler whose fibers are seen. */
  scheduler(): ProcessScheduler {
    let isKilled = false
    return {
      shouldYield: (fiber) => Scheduler.defaultScheduler.shouldYield(fiber),
      scheduleTask: (task, priority, fiber) => {
        if (isKilled) return
        this.waiting++
        const run = () => {
          this.waiting--
          this.moves++
          this.runs++
          if (!isKilled) task()
        }
        Scheduler.defaultScheduler.scheduleTask(run, priority, fiber)
      },
      kill: () => {
        isKilled = true
      }
    }
  }

  /** Calls `onStill` once nothing moves any more, or `onRestless` if that does not come. The result withdraws both. */
  whenStill(onStill: () => void, onRestless: (error: Error) => void): () => void {
    let seen = this.moves
    let turns = 0
    const look = () => {
      const isStill = this.waiting === 0 && this.moves === seen
      seen = this.moves
      turns = isStill ? turns + 1 : 0
      if (turns >= stillTurns) return onStill()
      if (this.runs > mostRuns) {
        this.runs = 0
        const what = "something runs again and again without waiting for time: a loop without a sleep, perhaps"
        return onRestless(new Error(`the test does not come to rest: ${what}`))
      }
      next = setImmediate(look)
    }
    let next = setImmediate(look)
    return () => clearImmediate(next)
  }
}
