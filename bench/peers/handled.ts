/** Jobs that are added a hundred a call, two calls at a time, until handlers have had them all. */
import type { Contender } from "../shared/contest.js"

/** Counts what handlers do. */
export class Handled {
  private left = 0
  private end = () => {}

  readonly handle = (): void => {
    this.left -= 1
    if (this.left === 0) this.end()
  }

  /** Adds jobs by `addHundred`, and waits until as many were handled. */
  run(addHundred: () => Promise<unknown>): Contender["run"] {
    return async (jobs, took) => {
      this.left = jobs
      const handled = new Promise<void>((resolve) => {
        this.end = resolve
      })
      let calls = jobs / 100
      const loop = async () => {
        while (calls-- > 0) {
          const started = performance.now()
          await addHundred()
          took(performance.now() - started)
        }
      }
      await Promise.all([loop(), loop(), handled])
    }
  }
}
