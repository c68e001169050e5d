/** The commands about a node and its cluster. */
import * as Either from "effect/Either"
import * as Command from "../Command.js"
import * as Reply from "../Reply.js"

/** PING: whether the node answers. */
export const ping = Command.define({
  name: "PING",
  blocks: false,
  isIdempotent: true,
  needsHolder: false,
  refusals: [],
  encode: () => Either.right({ args: [] }),
  decode: Reply.text
})

/** A node of the cluster, as another one sees it (HELLO). */
export interface HelloNode {
  readonly id: string
  /** Empty where a node that is alone tells its own address. */
  readonly host: string
  readonly port: number
  /** 1: fine. 5: no link to it. 10: suspected to fail. 100: failed or leaving. */
  readonly priority: number
}

/** What a node says of itself and of its cluster (HELLO). */
export interface Hello {
  /** The version of this reply's format. */
  readonly version: number
  /** The id of the node that answers. */
  readonly id: string
  /** Every node of the cluster, this one among them. */
  readonly nodes: ReadonlyArray<HelloNode>
}

const readNode: Reply.Reader<HelloNode> = (reply) => {
  const parts = Reply.tuple(4)(reply)
  return {
    id: Reply.at(parts, 0, Reply.text),
    host: Reply.at(parts, 1, Reply.text),
    port: Reply.at(parts, 2, Reply.integer),
    priority: Reply.at(parts, 3, Reply.integer)
  }
}

/** HELLO: the node's id, and the nodes of its cluster. */
export const hello = Command.define({
  name: "HELLO",
  blocks: false,
  isIdempotent: true,
  needsHolder: false,
  refusals: [],
  encode: () => Either.right({ args: [] }),
  decode: (reply): Hello => {
    const parts = Reply.tuple(2)(reply)
    return {
      version: Reply.at(parts, 0, Reply.integer),
      id: Reply.at(parts, 1, Reply.text),
      nodes: parts.slice(2).map(readNode)
    }
  }
})
