/** The workers that run in this process, over whatever pool. */
import * as Effect from "effect/Effect"

/**
 * What a worker is doing.
 *
 * @since 0.1.0
 * @category models
 */
export interface WorkerFigures {
  /** Of this worker, as long as it runs. */
  readonly id: string
  readonly queue: string
  /** In milliseconds since 1970, as `lastFetch` is. */
  readonly startedAt: number
  readonly isPaused: boolean
  /** How many handlers may run at a time. */
  readonly concurrency: number
  /** How many handlers run. */
  readonly busy: number
  /** Jobs that were done since the worker began. */
  readonly succeeded: number
  /** Attempts that failed since then. */
  readonly failed: number
  /** Jobs that were given up since then. */
  readonly dead: number
  /** Jobs whose lease was lost since then. */
  readonly leasesLost: number
  /** When a node last answered a GETJOB; undefined if none has yet. */
  readonly lastFetch: number | undefined
}

export type Running = Effect.Effect<WorkerFigures>

const all = new Set<Running>()

/** Adds a worker, and gives the function that takes it away. */
export const register = (worker: Running): (() => void) => {
  all.add(worker)
  return () => all.delete(worker)
}

export const running: Effect.Effect<ReadonlyArray<WorkerFigures>> = Effect.suspend(() => Effect.all([...all]))
