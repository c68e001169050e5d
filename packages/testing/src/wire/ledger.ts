/** What became of the jobs of a test, as the commands and replies of its clients tell. */
import { type Arguments, Reply } from "@disco/core"
import { type Asked, bytesOf, nameOf, readAddJob, readJobs, replyText, textOf } from "./words.js"

/** A command that was sent. */
export interface Sent {
  /** In ms since 1970. */
  readonly at: number
  /** The address of the node. */
  readonly node: string
  readonly words: Arguments
}

/** A letter about a job, in its queue `<name>.dead` or `<name>.retry`. */
interface Letter {
  readonly id: string
  readonly text: string
}

/** A job that was added. */
export interface Entry extends Asked {
  readonly id: string
  /** When it was added, in ms since 1970. */
  readonly at: number
  /** The address of the node that took it. */
  readonly node: string
  /** How often it was delivered, under any id. */
  deliveries: number
  /** When it was acknowledged for good, in ms since 1970. */
  acknowledgedAt: number | undefined
  /** By which commands it was put back. */
  readonly putBack: Array<"NACK" | "ENQUEUE">
  /** The letter by which it was given up. */
  dead: Letter | undefined
  /** The id under which it goes on: its own, or that of a letter in the retry queue. */
  carrier: string
}

const isLetterQueue = /\.(dead|retry)$/

/** The job that a letter is about; undefined if the body is no letter. */
const aboutOf = (body: Uint8Array): string | undefined => {
  try {
    const letter: unknown = JSON.parse(textOf(body))
    const id = typeof letter === "object" && letter !== null && "id" in letter ? letter.id : undefined
    return typeof id === "string" ? id : undefined
  } catch {
    return undefined
  }
}

export class Ledger {
  readonly commands: Array<Sent> = []
  private readonly entries = new Map<string, Entry>()
  /** The job that a letter stands for, by the id of the letter. */
  private readonly carried = new Map<string, Entry>()
  private readonly onDelivery = new Map<string, Array<() => void>>()
  private readonly now: () => number

  constructor(now: () => number) {
    this.now = now
  }

  /** The jobs of a queue, in the order in which they were added. */
  of(queue: string): ReadonlyArray<Entry> {
    return [...this.entries.values()].filter((entry) => entry.queue === queue)
  }

  /** A job by its id, or by that of a letter about it. */
  find(id: string): Entry | undefined {
    return this.carried.get(id) ?? this.entries.get(id)
  }

  /** Calls `run` once, when the job has been delivered. */
  atDelivery(id: string, run: () => void): void {
    this.onDelivery.set(id, [...(this.onDelivery.get(id) ?? []), run])
  }

  /** A job is in its first queue again, as if it had not been acknowledged. */
  revived(entry: Entry): void {
    entry.carrier = entry.id
    entry.acknowledgedAt = undefined
  }

  /** A command goes out. Bytes are copied, because the sender may use them again. */
  sent(node: string, words: Arguments): Sent {
    const sent = {
      at: this.now(),
      node,
      words: words.map((word) => (typeof word === "string" ? word : Uint8Array.from(word)))
    }
    this.commands.push(sent)
    return sent
  }

  /** The node has done a command. */
  replied({ node, words }: Sent, reply: Reply.Reply): void {
    if (reply instanceof Reply.ErrorReply) return
    switch (nameOf(words)) {
      case "ADDJOB":
        this.added(node, replyText(reply), readAddJob(words))
        break
      case "GETJOB":
        for (const job of readJobs(reply)) this.delivered(node, job)
        break
      case "ACKJOB":
      case "FASTACK":
        if (Number(reply) > 0) for (const id of words.slice(1)) this.acknowledged(textOf(id))
        break
      case "NACK":
        if (Number(reply) > 0) for (const id of words.slice(1)) this.find(textOf(id))?.putBack.push("NACK")
        break
      case "ENQUEUE":
        if (Number(reply) > 0) for (const id of words.slice(1)) this.find(textOf(id))?.putBack.push("ENQUEUE")
        break
    }
  }

  private added(node: string, id: string, asked: Asked): void {
    const about = isLetterQueue.test(asked.queue) ? aboutOf(asked.body) : undefined
    const subject = about === undefined ? undefined : this.entries.get(about)
    if (subject !== undefined) {
      this.carried.set(id, subject)
      subject.carrier = id
      if (asked.queue.endsWith(".dead")) subject.dead = { id, text: textOf(asked.body) }
    }
    this.entries.set(id, this.entry(node, id, asked))
  }

  private entry(node: string, id: string, asked: Asked): Entry {
    return {
      ...asked,
      id,
      node,
      at: this.now(),
      deliveries: 0,
      acknowledgedAt: undefined,
      putBack: [],
      dead: undefined,
      carrier: id
    }
  }

  private delivered(
    node: string,
    { body, id, queue }: { readonly queue: string; readonly id: string; readonly body: Uint8Array }
  ): void {
    const known = this.find(id)
    if (known === undefined) {
      // It was added on another way than over the links of the test.
      const asked = {
        queue,
        body: bytesOf(body),
        delay: 0,
        retry: undefined,
        ttl: 0,
        replicate: undefined,
        maxLen: undefined
      }
      this.entries.set(id, { ...this.entry(node, id, { ...asked, async: false }), deliveries: 1 })
    } else {
      known.deliveries++
    }
    const runs = this.onDelivery.get(id) ?? []
    this.onDelivery.delete(id)
    for (const run of runs) run()
  }

  private acknowledged(id: string): void {
    const own = this.entries.get(id)
    if (own !== undefined) own.acknowledgedAt ??= this.now()
    const subject = this.carried.get(id)
    // A job that goes on in a letter was moved, and is not done.
    if (subject !== undefined && subject.carrier === id && subject.dead === undefined) {
      subject.acknowledgedAt ??= this.now()
    }
    if (own !== undefined && own.carrier !== id) own.acknowledgedAt = undefined
  }
}
