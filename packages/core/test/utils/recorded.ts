/** Exchanges with Disque 1.0-rc1, recorded from a node that was alone and from a cluster of two. */
import { readFileSync } from "node:fs"
import { Reply } from "../../src/index.js"

/** A reply in the notation: `{"+": status}`, `{"-": error}`, `{":": integer}`, `{"$": bulk}`, `{"$hex": bytes}`, `{"*": items}`. */
type Notation = { readonly [kind: string]: unknown }

export interface Exchange {
  /** The path of the definition in `Commands`. */
  readonly command: string
  readonly send: ReadonlyArray<string | { readonly hex: string }>
  readonly reply: Notation
}

export const exchanges: ReadonlyArray<Exchange> = JSON.parse(
  readFileSync(new URL("../data/replies.json", import.meta.url), "utf8")
)

const encoder = new TextEncoder()

/** A reply as links give it: status lines are text in the process, and bytes over sockets. */
export const toReply = (notation: Notation, isOverSocket: boolean): Reply.Reply => {
  const [[kind, value] = ["", undefined]] = Object.entries(notation)
  if (value === null) return null
  if (kind === "-") return new Reply.ErrorReply({ text: String(value) })
  if (kind === "+") return isOverSocket ? encoder.encode(String(value)) : String(value)
  if (kind === "$") return encoder.encode(String(value))
  if (kind === "$hex") return Uint8Array.from(Buffer.from(String(value), "hex"))
  if (kind === ":") return typeof value === "number" ? value : BigInt(String(value))
  return (value as ReadonlyArray<Notation>).map((item) => toReply(item, isOverSocket))
}

/** The words of an exchange as they go out. */
export const wordsOf = (exchange: Exchange): ReadonlyArray<string | Uint8Array> =>
  exchange.send.map((word) => (typeof word === "string" ? word : Uint8Array.from(Buffer.from(word.hex, "hex"))))
