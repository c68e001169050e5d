import { Effect, Exit, Layer } from "effect"
import { type Arguments, ConnectionError, DisqueDialer, type DisqueLink, Reply } from "../../src/index.js"

/** What was sent to a node. */
export interface Sent {
  readonly node: string
  readonly words: Arguments
}

const decoder = new TextDecoder()

/** Words as text. */
export const asText = (words: Arguments): ReadonlyArray<string> =>
  words.map((word) => (typeof word === "string" ? word : decoder.decode(word)))

/** Says what a node replies, or throws nothing and gives `undefined` where it is gone. */
export type Answer = (node: string, words: ReadonlyArray<string>) => Reply.Reply | undefined

const encoder = new TextEncoder()

export const bulk = (text: string): Uint8Array => encoder.encode(text)

/** The id that a node has here. */
export const idOf = (address: string): string => address.slice(-1).repeat(40)

/** Nodes that are nothing but what they answer; they answer HELLO by themselves. `sent` is what else they were sent. */
export const fakeNodes = (addresses: ReadonlyArray<string>, answer: Answer, leaving: ReadonlyArray<string> = []) => {
  const sent: Array<Sent> = []
  const hello = (node: string): Reply.Reply => [
    1,
    bulk(idOf(node)),
    ...addresses.map((address) => {
      const [host = "", port = ""] = address.split(":")
      return [bulk(idOf(address)), bulk(host), bulk(port), bulk(leaving.includes(address) ? "100" : "1")]
    })
  ]
  const dial = (node: string): Effect.Effect<DisqueLink, ConnectionError> =>
    Effect.sync(() => {
      let isOpen = true
      return {
        node,
        isOpen: () => isOpen,
        send: (words, done) => {
          if (words[0] === "HELLO") return done(Exit.succeed(hello(node)))
          sent.push({ node, words })
          const reply = answer(node, asText(words))
          done(reply === undefined ? Exit.fail(new ConnectionError({ node, reason: "lost" })) : Exit.succeed(reply))
        },
        close: () => {
          isOpen = false
        }
      }
    })
  return { sent, layer: Layer.succeed(DisqueDialer, { seeds: addresses.slice(0, 1), dial }) }
}

export const refusal = new Reply.ErrorReply({ text: "ERR no" })
