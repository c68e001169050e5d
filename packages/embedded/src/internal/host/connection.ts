import * as Effect from "effect/Effect"
import type { SessionHandlers } from "../node/client.js"
import { type Answer, Failure } from "../wire/answers.js"
import { AnswerWriter } from "../wire/answerWriter.js"
import { CommandParser } from "../wire/commandParser.js"
import { Backlog } from "./backlog.js"
import type { Session } from "./nodeProcess.js"

/** With this many bytes of answers waiting to be sent, no more commands of the client are run. */
const heldOutput = 1024 * 1024

/** With this many bytes of answers waiting to be sent, a client that is given more is cut off. */
const maxOutput = 64 * 1024 * 1024

/** With this many bytes of commands behind answers that it does not read, a client is cut off. */
const maxHeldInput = 64 * 1024 * 1024

/** With this many bytes of commands waiting to be run, a client is cut off. The server's limit. */
const maxInput = 1024 * 1024 * 1024

/** With this many bytes of answers waiting to be sent to all clients, those who have most are cut off. */
export const mostUnread = 256 * 1024 * 1024

/** After so many ms the commands of a client make way for others. */
const turnMillis = 50

/** What a connection needs of the server that it belongs to. */
export interface Host {
  readonly backlog: Backlog
  /** Called when the client is cut off, which may be while it does not take what is sent to it. */
  readonly onCut: () => void
  /** The time, in ms. */
  readonly now: () => number
  /** Does something after what others wait for. */
  readonly later: (work: () => void) => void
}

const alone = (): Host => ({ backlog: new Backlog(mostUnread), onCut: () => {}, now: () => 0, later: (work) => work() })

interface Connectable {
  readonly connect: (handlers: SessionHandlers, options: { readonly address: string }) => Session | undefined
}

/** One client on a socket: its bytes in, the node's answers out. */
export class Connection {
  private readonly parser = new CommandParser()
  private readonly output = new AnswerWriter()
  private readonly session: Session | undefined
  private readonly host: Host
  /** How many bytes are being sent. */
  private sending = 0
  /** No more commands are run; what has been answered is still sent. */
  private isEnded = false
  /** Nothing is sent any more. */
  private isCut = false
  private isWorking = false
  /** Others go first. */
  private isResting = false
  /** What went wrong here: it ends this client, and nothing else. */
  private defect: { readonly thrown: unknown } | undefined
  private wake: (() => void) | undefined

  constructor(node: Connectable, address: string, host: Host = alone()) {
    this.host = host
    this.session = node.connect(
      {
        onAnswer: (answer) => this.answer(answer),
        onEnd: () => this.end(),
        // A turn of the node is under way: commands run after it.
        onReady: () => void Promise.resolve().then(() => this.work())
      },
      { address }
    )
    if (this.session === undefined) this.isEnded = true
  }

  receive(chunk: Uint8Array): void {
    if (this.isEnded) return
    this.parser.feed(chunk)
    this.work()
    if (this.parser.size > (this.unsent < heldOutput ? maxInput : maxHeldInput)) this.cut()
  }

  /** How many bytes of answers wait for the client. */
  get unsent(): number {
    return this.output.length + this.sending
  }

  close(): void {
    this.isCut = true
    this.release()
    this.end()
    this.session?.close()
  }

  private release(): void {
    const { unsent } = this
    this.output.clear()
    this.sending = 0
    this.host.backlog.shrink(this, unsent, 0)
  }

  /** Sends answers as they come, all there are in one go; ends once the session has, and all is sent. */
  writeAll<E>(write: (bytes: Uint8Array) => Effect.Effect<void, E>): Effect.Effect<void, E> {
    const next: Effect.Effect<void, E> = Effect.suspend(() => {
      if (this.defect !== undefined) return Effect.die(this.defect.thrown)
      if (this.isCut) return Effect.void
      if (this.output.length > 0) {
        const piece = this.output.take()
        this.sending = piece.length
        return Effect.zipRight(
          write(piece),
          Effect.suspend(() => {
            const { sending } = this
            this.sending = 0
            this.host.backlog.shrink(this, sending, this.output.length)
            this.work()
            return next
          })
        )
      }
      return this.isEnded ? Effect.void : Effect.zipRight(this.woken, next)
    })
    return next
  }

  private readonly woken = Effect.async<void>((resume) => {
    this.wake = () => {
      this.wake = undefined
      resume(Effect.void)
    }
    if (this.output.length > 0 || this.isEnded) this.wake()
  })

  private work(): void {
    if (this.isWorking || this.isResting) return
    this.isWorking = true
    try {
      this.runCommands()
    } catch (thrown) {
      this.defect = { thrown }
      this.cut()
    }
    this.isWorking = false
  }

  private runCommands(): void {
    const { session } = this
    const until = this.host.now() + turnMillis
    while (session !== undefined && !this.isEnded && !session.isBusy() && this.unsent < heldOutput) {
      if (this.host.now() > until) {
        this.isResting = true
        this.host.later(() => {
          this.isResting = false
          this.work()
        })
        return
      }
      const command = this.parser.next()
      if (command === undefined) return
      if (command instanceof Failure) {
        this.answer(command)
        this.end()
        session.close()
      } else {
        session.send(command)
      }
    }
  }

  private answer(answer: Answer): void {
    if (this.isCut) return
    const before = this.unsent
    if (before > maxOutput) {
      this.cut()
      return
    }
    this.output.write(answer)
    this.host.backlog.grow(this, before, this.unsent - before)
    this.wake?.()
  }

  private end(): void {
    this.isEnded = true
    this.wake?.()
  }

  /** Cuts the client off, with what waits for it. */
  cut(): void {
    if (this.isCut) return
    this.isCut = true
    this.release()
    this.end()
    this.host.onCut()
  }
}
