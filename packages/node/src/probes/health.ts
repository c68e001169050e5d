/** Whether a process fetches jobs. */
import type { FetcherHealth } from "@disco/core"

/** A loop that fetches jobs from one node, as a probe is told. */
export interface Fetcher {
  readonly node: string
  readonly queues: ReadonlyArray<string>
  readonly state: FetcherHealth["state"]
  /** How long ago the node last answered; null if it has not yet. */
  readonly lastFetchSeconds: number | null
  readonly error: string | null
}

/** The answer to a probe of liveness. */
export interface Health {
  readonly status: "healthy" | "unhealthy"
  /** The age of the last completed fetch: of the queue that has waited longest, if there are several. */
  readonly lastFetchSeconds: number | null
  readonly fetchers: ReadonlyArray<Fetcher>
}

/** Queues that are fetched together, from one node or more. */
export interface Fetched {
  readonly queue: string
  /** How long ago any of the nodes last answered. */
  readonly age: number | undefined
  /** Whether there is no room for more jobs: nothing is to be fetched then. */
  readonly isFull: boolean
}

/** The fetchers by what they fetch: one node that answers is enough. Ages are in milliseconds. */
export const fetched = (fetchers: ReadonlyArray<FetcherHealth>, now: number): ReadonlyArray<Fetched> => {
  const groups = new Map<string, Fetched>()
  for (const { lastRound, queues, state } of fetchers) {
    const key = JSON.stringify(queues)
    const { age, isFull } = groups.get(key) ?? { age: undefined, isFull: false }
    const own = lastRound === undefined ? undefined : Math.max(0, now - lastRound)
    groups.set(key, {
      queue: queues[0] ?? "",
      age: own === undefined || (age !== undefined && age < own) ? age : own,
      isFull: isFull || state === "full"
    })
  }
  return [...groups.values()]
}

const seconds = (millis: number | undefined): number | null => (millis === undefined ? null : millis / 1000)

interface Process {
  readonly now: number
  /** When the process began. */
  readonly startedAt: number
  /** Undefined until the workers have begun. */
  readonly fetchers: ReadonlyArray<FetcherHealth> | undefined
  /** How long a fetch may take, in milliseconds. */
  readonly boundMillis: number
}

/** How a process fares. It has as long for its start as for a fetch. */
export const health = ({ boundMillis, fetchers, now, startedAt }: Process): Health => {
  const sinceStart = now - startedAt
  const groups = fetched(fetchers ?? [], now)
  const isLate = ({ age = sinceStart, isFull }: Fetched): boolean => !isFull && age > boundMillis
  const isStuck = fetchers === undefined ? sinceStart > boundMillis : groups.some(isLate)
  const ages = groups.flatMap(({ age }) => (age === undefined ? [] : [age]))
  return {
    status: isStuck ? "unhealthy" : "healthy",
    lastFetchSeconds: ages.length === 0 ? null : seconds(Math.max(...ages)),
    fetchers: (fetchers ?? []).map(({ error, lastRound, node, queues, state }) => ({
      node,
      queues,
      state,
      lastFetchSeconds: seconds(lastRound === undefined ? undefined : Math.max(0, now - lastRound)),
      error: error?.message ?? null
    }))
  }
}
