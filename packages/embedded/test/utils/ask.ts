import { DisqueDialer, type DisqueLink, Reply } from "@disco/core"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { EmbeddedDisque, type EmbeddedOptions } from "../../src/index.js"

/** A cluster with its dialer. */
export const layer = (options?: EmbeddedOptions) =>
  Layer.provideMerge(EmbeddedDisque.layerDialer, EmbeddedDisque.layer(options))

/** A link to the node of that number, counted from 1. */
export const dial = (number: number) =>
  Effect.flatMap(DisqueDialer, ({ seeds, dial }) => dial(seeds[number - 1] ?? "nowhere:0"))

/** Sends a command and waits for its reply. */
export const ask = (link: DisqueLink, ...command: ReadonlyArray<string | Uint8Array>) =>
  Effect.async<Reply.Reply, Parameters<DisqueLink["close"]>[0]>((resume) => link.send(command, resume))

/** A reply as plain data: bulks as text, errors as `Error: …`. */
export const plain = (reply: Reply.Reply): unknown => {
  if (reply instanceof Uint8Array) return Buffer.from(reply).toString()
  if (reply instanceof Reply.ErrorReply) return `Error: ${reply.text}`
  return Array.isArray(reply) ? reply.map(plain) : reply
}

/** Sends a command and waits for its reply as plain data. */
export const say = (link: DisqueLink, ...command: ReadonlyArray<string>) => Effect.map(ask(link, ...command), plain)

/** Sends a command and waits for its reply, which is text. */
export const text = (link: DisqueLink, ...command: ReadonlyArray<string>) => Effect.map(say(link, ...command), String)

/** The fields of SHOW and QSTAT by name. */
export const fields = (link: DisqueLink, ...command: ReadonlyArray<string>) =>
  Effect.map(ask(link, ...command), (reply) => {
    const read = Reply.read(Reply.record, reply)
    return Either.isRight(read)
      ? Object.fromEntries([...read.right].map(([name, value]) => [name, plain(value)]))
      : { reply: plain(reply) }
  })
