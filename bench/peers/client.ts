/** Clients by hand: what a program does that keeps several promises going. */
import type { Contender } from "../shared/contest.js"

/** A connection to a node, of a client that gives promises. */
export interface Client {
  readonly add: (queue: string, body: string) => Promise<unknown>
  /** Waits for jobs, and gives the ids of up to `count`. */
  readonly get: (queue: string, count: number) => Promise<ReadonlyArray<string>>
  readonly ack: (ids: ReadonlyArray<string>) => Promise<unknown>
  readonly close: () => void
}

type Run = Contender["run"]

const repeat = async (loops: number, loop: (i: number) => Promise<void>): Promise<void> => {
  await Promise.all(Array.from({ length: loops }, (_, i) => loop(i)))
}

/** Adds jobs, so many in flight at a time, over the connections in turn. */
export const adding =
  (clients: ReadonlyArray<Client>, queue: string, body: string, inFlight: number): Run =>
  (jobs, took) => {
    let left = jobs
    return repeat(inFlight, async (i) => {
      const client = clients[i % clients.length] as Client
      while (left-- > 0) {
        const started = performance.now()
        await client.add(queue, body)
        took(performance.now() - started)
      }
    })
  }

/** Fetches up to `count` jobs and acknowledges them, in one loop. */
export const getting =
  (client: Client, queue: string, count: number): Run =>
  async (jobs, took) => {
    for (let left = jobs; left > 0; ) {
      const started = performance.now()
      const ids = await client.get(queue, Math.min(count, left))
      await client.ack(ids)
      took(performance.now() - started)
      left -= ids.length
    }
  }

/** Adds jobs, and fetches and acknowledges them over a connection of its own meanwhile. */
export const flowing =
  (clients: ReadonlyArray<Client>, fetching: Client, queue: string, body: string, inFlight: number): Run =>
  async (jobs) => {
    const nobody = () => {}
    await Promise.all([
      adding(clients, queue, body, inFlight)(jobs, nobody),
      getting(fetching, queue, 100)(jobs, nobody)
    ])
  }
