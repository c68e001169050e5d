/** Clusters of three nodes, embedded and real, asked in the same way: what must hold on both, in whichever order things happen. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { isDeepStrictEqual } from "node:util"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { type Call, connectTo, end, realServer, startReal } from "./brokers.js"
import { serveCluster } from "./server.js"

const numbers = [0, 1, 2] as const

/** One of the three nodes. */
export type Number = (typeof numbers)[number]

export interface Nodes {
  /** Sends a command to a node. Gives the reply, or an error as `Error: …`. */
  readonly ask: (node: Number, ...command: ReadonlyArray<string>) => Promise<unknown>
  /** The same over a connection of its own, for what has to wait. */
  readonly wait: (node: Number, ...command: ReadonlyArray<string>) => Promise<unknown>
  readonly stop: () => Promise<void>
}

const settled = (call: Call, command: ReadonlyArray<string>) =>
  call(...command).catch((error: Error) => `Error: ${error.message}`)

const connect = (ports: ReadonlyArray<number>, stop: () => Promise<void>): Nodes => {
  const clients = ports.map(connectTo)
  return {
    ask: (node, ...command) => settled((clients[node] as (typeof clients)[number]).call, command),
    wait: async (node, ...command) => {
      const { call, end } = connectTo(ports[node] as number)
      try {
        return await settled(call, command)
      } finally {
        end()
      }
    },
    stop: async () => {
      for (const { end } of clients) end()
      await stop()
    }
  }
}

const startEmbedded = async (): Promise<Nodes> => {
  const scope = await Effect.runPromise(Scope.make())
  const { ports } = await Effect.runPromise(Scope.extend(serveCluster(numbers.length), scope))
  return connect(ports, () => Effect.runPromise(Scope.close(scope, Exit.void)))
}

/** How many other nodes a node counts on. */
export const reachable = async ({ ask }: Nodes, node: Number): Promise<number> =>
  globalThis.Number(/cluster_reachable_nodes:(\d+)/.exec(String(await ask(node, "CLUSTER", "INFO")))?.[1])

const startServers = async (): Promise<Nodes> => {
  const root = mkdtempSync(join(tmpdir(), "disco-cluster-"))
  const started: Array<Awaited<ReturnType<typeof startReal>>> = []
  const stop = async () => {
    for (const { server } of started) await end(server)
    rmSync(root, { recursive: true, force: true })
  }
  try {
    for (const number of numbers) {
      const dir = join(root, String(number))
      mkdirSync(dir)
      started.push(await startReal(dir, ["--appendonly", "no"]))
    }
    const ports = started.map(({ port }) => port)
    const nodes = connect(ports, stop)
    await nodes.ask(0, "CLUSTER", "MEET", "127.0.0.1", String(ports[1]))
    await nodes.ask(1, "CLUSTER", "MEET", "127.0.0.1", String(ports[2]))
    for (const number of numbers) await eventually(() => reachable(nodes, number), numbers.length - 1)
    return nodes
  } catch (error) {
    await stop()
    throw error
  }
}

/** How each cluster starts, by its name; undefined where there is no real server to start. */
export const clusters: Readonly<Record<string, (() => Promise<Nodes>) | undefined>> = {
  "embedded nodes": startEmbedded,
  "real servers": realServer === undefined ? undefined : startServers
}

/** Looks until what is found is as expected, or fails with the difference when the time, in ms, is over. */
export const eventually = async (look: () => Promise<unknown>, expected: unknown, within = 15_000): Promise<void> => {
  const end = performance.now() + within
  for (;;) {
    const found = await look()
    if (isDeepStrictEqual(found, expected)) return
    if (performance.now() > end) assert.deepStrictEqual(found, expected)
    await setTimeout(20)
  }
}

/** Looks for some ms, and fails with the difference as soon as what is found is not as expected. */
export const stays = async (look: () => Promise<unknown>, expected: unknown, time: number): Promise<void> => {
  const end = performance.now() + time
  while (performance.now() < end) {
    assert.deepStrictEqual(await look(), expected)
    await setTimeout(50)
  }
}

/** A job as the three nodes show it: `-` for a node that does not know it. */
export interface OnNodes {
  readonly states: ReadonlyArray<string>
  readonly nacks: ReadonlyArray<number | undefined>
  readonly deliveries: ReadonlyArray<number | undefined>
}

/** What is done with jobs, on the nodes of a cluster. */
export const jobsOn = ({ ask, wait }: Nodes) => {
  const show = async (node: Number, id: string): Promise<Readonly<Record<string, unknown>> | undefined> => {
    const reply = (await ask(node, "SHOW", id)) as ReadonlyArray<unknown> | null
    if (reply === null) return undefined
    return Object.fromEntries(reply.flatMap((name, i) => (i % 2 === 0 ? [[String(name), reply[i + 1]] as const] : [])))
  }
  const onAll = async (id: string): Promise<OnNodes> => {
    const shown = await Promise.all(numbers.map((node) => show(node, id)))
    const count = (name: string) => shown.map((job) => (job === undefined ? undefined : globalThis.Number(job[name])))
    return {
      states: shown.map((job) => String(job?.state ?? "-")),
      nacks: count("nacks"),
      deliveries: count("additional-deliveries")
    }
  }
  return {
    show,
    onAll,
    states: async (id: string) => (await onAll(id)).states,
    /** Adds a job that does not come again by itself within the test, unless the options say otherwise. */
    add: async (node: Number, queue: string, ...options: ReadonlyArray<string>) => {
      const all = options.includes("RETRY") ? options : [...options, "RETRY", "600"]
      let id = ""
      // A server that leaves sends a producer away as well that it finds waiting ten times a second, for however short a time.
      do id = String(await ask(node, "ADDJOB", queue, "body", "5000", ...all))
      while (id.startsWith("Error: LEAVING "))
      assert.match(id, /^D-/)
      return id
    },
    /** Takes a job of a queue that has one, on that node. */
    take: async (node: Number, queue: string, id: string) => {
      const jobs = await wait(node, "GETJOB", "TIMEOUT", "10000", "FROM", queue)
      assert.deepStrictEqual(jobs, [[queue, id, "body"]])
    },
    /** Waits until so many clients wait for jobs of a queue at a node. */
    waitedFor: (node: Number, queue: string, clients: number) =>
      eventually(async () => {
        const reply = ((await ask(node, "QSTAT", queue)) ?? []) as ReadonlyArray<unknown>
        return reply[reply.indexOf("blocked") + 1]
      }, String(clients)),
    /** The ids of the jobs that a client is given who waits for one; none if the time, in ms, is over before. */
    given: async (node: Number, queue: string, timeout: number) => {
      const jobs = (await wait(node, "GETJOB", "TIMEOUT", String(timeout), "FROM", queue)) as ReadonlyArray<
        ReadonlyArray<string>
      > | null
      return (jobs ?? []).map(([, id]) => id)
    }
  }
}
