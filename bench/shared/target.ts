/** The nodes that are measured against. */
import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { NodeAddress } from "@disco/node"
import * as Either from "effect/Either"

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

/** Embedded nodes, and what their process takes. */
export interface EmbeddedTarget extends Target {
  readonly memory: () => Promise<number>
}

export const addressOf = ({ host, port }: Address): string => `${host}:${port}`

const message = <A>(child: ChildProcess): Promise<A> =>
  new Promise((resolve, reject) => {
    const ended = () => reject(new Error("The process of the embedded nodes ended."))
    child.once("exit", ended)
    child.once("message", (value: A) => {
      child.off("exit", ended)
      resolve(value)
    })
  })

/** Starts so many embedded nodes, one cluster, in a process of their own. */
export const startEmbedded = async (nodes: number): Promise<EmbeddedTarget> => {
  const child = fork(fileURLToPath(new URL("./embeddedNodes.js", import.meta.url)), [String(nodes)])
  const { ports } = await message<{ readonly ports: ReadonlyArray<number> }>(child)
  const [first, ...others] = ports.map((port) => ({ host: "127.0.0.1", port }))
  return {
    kind: "embedded",
    nodes: [first as Address, ...others],
    memory: async () => {
      child.send("memory")
      return (await message<{ readonly memory: number }>(child)).memory
    },
    close: () => child.disconnect()
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
