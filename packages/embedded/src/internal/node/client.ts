import { Fifo } from "@disco/core/internal"
import { type Answer, nullBulk } from "../wire/answers.js"
import type { Argument } from "../wire/bytes.js"
import type { Job } from "./job.js"
import type { Alarm } from "./timers.js"

/**
 * What a client is told.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionHandlers {
  /** The answer to the oldest command without one. */
  readonly onAnswer: (answer: Answer) => void
  /** The node ended the session: there will be no more answers. */
  readonly onEnd: () => void
  /** The client had to wait, and its next command is run at once. */
  readonly onReady?: () => void
  /** What waits in the buffers of the client's connection. A client in the process has none. */
  readonly buffers?: () => Buffers
}

/**
 * What waits between a client and the node.
 *
 * @since 0.1.0
 * @category models
 */
export interface Buffers {
  /** How many bytes of commands that were not run yet. */
  readonly input: number
  /** How many bytes of answers, in the buffer that is being filled. */
  readonly output: number
  /** How many buffers of answers that are full, or are being sent. */
  readonly fullBuffers: number
  /** How many bytes these have. */
  readonly fullBytes: number
}

const none: Buffers = { input: 0, output: 0, fullBuffers: 0, fullBytes: 0 }

/** What a blocked client waits for. */
export type Blocked =
  | {
      readonly command: "GETJOB"
      readonly queues: ReadonlyArray<string>
      readonly withCounters: boolean
      readonly timeout: Alarm | null
    }
  | {
      readonly command: "ADDJOB"
      readonly job: Job
      readonly timeout: Alarm | null
      /** Sends the job again while it has too few copies. */
      readonly resend: Alarm
    }
  | {
      /** A command about the files. */
      readonly command: "disk"
      readonly timeout: null
    }

/** An answer that waits, or the end of the session behind it. */
interface Held {
  readonly answer: Answer
  /** The record that has to be kept first. */
  readonly position: number
  readonly isEnd: boolean
}

/** A client of a node: what CLIENT LIST shows, and what the client waits for. */
export class Client {
  readonly id: number
  /** `host:port` of the client. */
  readonly address: string
  readonly handlers: SessionHandlers
  /** Whether the client is in the process: it gets an answer to every command, whatever CLIENT REPLY says. */
  readonly inProcess: boolean
  /** In s. */
  readonly createdAt: number
  lastAt: number
  authenticated: boolean
  name = ""
  lastCommand = "NULL"
  monitor = false
  replies: "on" | "off" | "skip next" | "skip" = "on"
  /** Whether it sent QUIT while replies are off: a server closes such a client after a reply that it never sends. */
  isDeaf = false
  blocked: Blocked | null = null
  closed = false
  /** Answers that wait until the records are kept of what they tell, and those behind them; null if there are none. */
  held: Fifo<Held> | null = null
  /** Commands that wait until the client is neither blocked nor paused. */
  readonly pending = new Fifo<ReadonlyArray<Argument>>()

  constructor(
    id: number,
    address: string,
    handlers: SessionHandlers,
    options: { readonly inProcess: boolean; readonly authenticated: boolean; readonly now: number }
  ) {
    this.id = id
    this.address = address
    this.handlers = handlers
    this.inProcess = options.inProcess
    this.authenticated = options.authenticated
    this.createdAt = this.lastAt = options.now
  }

  get buffers(): Buffers {
    return this.handlers.buffers?.() ?? none
  }

  /** Whether the client gets an answer to its present command. */
  get hears(): boolean {
    return this.inProcess || this.replies === "on" || this.replies === "skip next"
  }

  /** Answers the client, once the records up to `position` are kept. */
  answer(answer: Answer, position = 0): void {
    if (this.closed || !this.hears) return
    if (this.held === null && position === 0) this.handlers.onAnswer(answer)
    else this.hold({ answer, position, isEnd: false })
  }

  /** Tells the client that the session has ended, after the answers that wait. */
  end(): void {
    if (this.held === null) this.handlers.onEnd()
    else this.hold({ answer: nullBulk, position: 0, isEnd: true })
  }

  private hold(held: Held): void {
    this.held ??= new Fifo()
    this.held.push(held)
  }

  /** Sends what waited for the records up to `kept`; true if nothing is left. */
  release(kept: number): boolean {
    const { held } = this
    if (held === null) return true
    for (let first = held.peek(); first !== undefined && first.position <= kept; first = held.peek()) {
      held.shift()
      if (first.isEnd) this.handlers.onEnd()
      else this.handlers.onAnswer(first.answer)
    }
    if (held.size > 0) return false
    this.held = null
    return true
  }
}
