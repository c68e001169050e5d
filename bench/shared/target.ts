/** The nodes that are measured against. */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { NodeAddress } from "@disco/node"
import * as Either from "effect/Either"
import type { Disk, Load, NodesOptions, Started } from "./nodesOptions.js"

export interface Address {
  readonly host: string
  readonly port: number
}

export interface Target {
  readonly kind: "real" | "embedded"
  /** The first of them is the one that jobs are added to. */
  readonly nodes: readonly [Address, ...ReadonlyArray<Address>]
  readonly close: () => void
}

/** Embedded nodes in a process of their own. */
export interface EmbeddedTarget extends Target {
  /** How the jobs of a node on disk were loaded. */
  readonly load: Load
  /** What the process takes, in bytes. */
  readonly memory: () => Promise<number>
  /** The longest time for which the process did nothing else since it was last asked, in milliseconds. */
  readonly delay: () => Promise<number>
  readonly close: () => Promise<void>
}

export const addressOf = ({ host, port }: Address): string => `${host}:${port}`

const message = <A>(child: ChildProcess): Promise<A> =>
  new Promise((resolve, reject) => {
    const ended = () => reject(new Error("A process that was measured ended."))
    child.once("exit", ended)
    child.once("message", (value: A) => {
      child.off("exit", ended)
      resolve(value)
    })
  })

/** Tests run from the sources, measurements from what is compiled. */
const isCompiled = import.meta.url.endsWith(".js")

/** Starts a program of this folder, and gives it with the first message that it sends. */
export const start = async <A>(
  name: "embeddedNodes" | "workerProcess",
  args: ReadonlyArray<string>
): Promise<readonly [ChildProcess, A]> => {
  const program = new URL(`./${name}.${isCompiled ? "js" : "ts"}`, import.meta.url)
  const options = isCompiled ? {} : { execArgv: ["--import", "tsx", "--conditions=development"] }
  const child = fork(fileURLToPath(program), args, options)
  return [child, await message<A>(child)]
}

/** Lets go of a program, and waits until it has ended. */
export const stop = async (child: ChildProcess): Promise<void> => {
  const ended = once(child, "exit")
  child.disconnect()
  await ended
}

/** Starts so many embedded nodes, one cluster, in a process of their own. A single one may be on disk. */
export const startEmbedded = async (nodes: number, disk?: Disk): Promise<EmbeddedTarget> => {
  const options = JSON.stringify({ nodes, disk } satisfies NodesOptions)
  const [child, { load, ports }] = await start<Started>("embeddedNodes", [options])
  const [first, ...others] = ports.map((port) => ({ host: "127.0.0.1", port }))
  return {
    kind: "embedded",
    nodes: [first as Address, ...others],
    load,
    memory: async () => {
      child.send("memory")
      return (await message<{ readonly memory: number }>(child)).memory
    },
    delay: async () => {
      child.send("delay")
      return (await message<{ readonly delay: number }>(child)).delay
    },
    close: () => stop(child)
  }
}

/** The nodes that DISQUE_NODES names. */
export const realNodes = (): ReadonlyArray<Address> => {
  const named = process.env.DISQUE_NODES ?? ""
  if (named === "") return []
  return Either.getOrThrow(NodeAddress.parseAll(named, "DISQUE_NODES")).map(({ at, password, tls }) => {
    if ("path" in at || tls || password !== undefined) {
      throw new Error("The measurements want nodes at ports, with neither a password nor TLS.")
    }
    return at
  })
}

/** As many nodes as are wanted: real ones where DISQUE_NODES names any, or none if it names too few or too many. */
export const openTarget = async (wanted: 1 | 3): Promise<Target | undefined> => {
  const [first, ...others] = realNodes()
  if (first === undefined) return startEmbedded(wanted)
  return others.length + 1 === wanted ? { kind: "real", nodes: [first, ...others], close: () => {} } : undefined
}
