/** Commands as they were sent: words, and what they mean. */
import type { AddJobOptions, Arguments, Reply } from "@disco/core"

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true })

export const textOf = (word: string | Uint8Array | undefined): string =>
  typeof word === "string" ? word : word === undefined ? "" : decoder.decode(word)

const encoder = new TextEncoder()

/** A copy: the sender may change the bytes. */
export const bytesOf = (word: string | Uint8Array | undefined): Uint8Array =>
  typeof word === "string" ? encoder.encode(word) : Uint8Array.from(word ?? [])

/** The name of a command, in capitals. */
export const nameOf = (words: Arguments): string => textOf(words[0]).toUpperCase()

/** A word as it is shown in one line: bytes that are no text by their number. */
const shown = (word: string | Uint8Array): string => {
  if (typeof word === "string") return word
  try {
    return strict.decode(word)
  } catch {
    return `<${word.length} bytes>`
  }
}

/** A command in one line. Words that are empty, or have spaces, are in quotes. */
export const line = (words: Arguments): string =>
  words
    .map((word) => (/^[^\s"]+$|^[[{].*[\]}]$/.test(shown(word)) ? shown(word) : JSON.stringify(shown(word))))
    .join(" ")

/** What the words of an ADDJOB ask for. */
export interface Asked {
  readonly queue: string
  readonly body: Uint8Array
  /** In seconds; 0 without a delay. */
  readonly delay: number
  /** In seconds. */
  readonly retry: number | undefined
  /** In seconds. */
  readonly ttl: number
  readonly replicate: number | undefined
  readonly maxLen: number | undefined
  readonly async: NonNullable<AddJobOptions["async"]>
}

// What a node takes for a job that says nothing of its TTL, in seconds.
const defaultTtl = 86_400

export const readAddJob = (words: Arguments): Asked => {
  const numbers = new Map<string, number>()
  let isAsync = false
  for (let i = 4; i < words.length; i++) {
    const option = textOf(words[i]).toUpperCase()
    if (option === "ASYNC") isAsync = true
    else numbers.set(option, Number(textOf(words[++i])))
  }
  return {
    queue: textOf(words[1]),
    body: bytesOf(words[2]),
    delay: numbers.get("DELAY") ?? 0,
    retry: numbers.get("RETRY"),
    ttl: numbers.get("TTL") ?? defaultTtl,
    replicate: numbers.get("REPLICATE"),
    maxLen: numbers.get("MAXLEN"),
    async: isAsync
  }
}

/** A delivered job. */
export interface Delivered {
  readonly queue: string
  readonly id: string
  readonly body: Uint8Array
}

const isItems = (reply: Reply.Reply): reply is ReadonlyArray<Reply.Reply> => Array.isArray(reply)

/** The jobs of a reply to GETJOB. */
export const readJobs = (reply: Reply.Reply): ReadonlyArray<Delivered> =>
  isItems(reply)
    ? reply.filter(isItems).map(([queue, id, body]) => ({
        queue: replyText(queue),
        id: replyText(id),
        body: body instanceof Uint8Array ? body : new Uint8Array()
      }))
    : []

/** A reply that is text; empty for any other. */
export const replyText = (reply: Reply.Reply | undefined): string =>
  typeof reply === "string" || reply instanceof Uint8Array ? textOf(reply) : ""
