import * as Effect from "effect/Effect"
import type { Buffers, SessionHandlers } from "../node/client.js"
import { type Answer, Failure } from "../wire/answers.js"
import { AnswerWriter } from "../wire/answerWriter.js"
import { CommandParser } from "../wire/commandParser.js"
import { Backlog } from "./backlog.js"
import type { Session } from "./nodeProcess.js"

/** With this many bytes of answers waiting to be sent, no more commands of the client are run. */
const heldOutput = 1024 * 1024

/** With this many bytes of answers waiting to be sent, a client is cut off at the next answer. */
const maxOutput = 64 * 1024 * 1024

/** A client that does not read its answers is cut off with this many bytes of commands waiting. */
const maxHeldInput = 64 * 1024 * 1024

/** Any client is cut off with this many bytes of commands waiting. The limit is that of a server. */
const maxInput = 1024 * 1024 * 1024

/** With this many bytes of answers waiting for all clients, the clients with most of them are cut off. */
export const mostUnread = 256 * 1024 * 1024

/** After so many ms, the commands of other clients come first. */
const turnMillis = 50

/** What a connection needs of the server that it belongs to. */
export interface Host {
  readonly backlog: Backlog
  /** Called when the client is cut off, perhaps in the middle of a write. */
  readonly onCut: () => void
  /** The time, in ms. */
  readonly now: () => number
  /** Does some work after all that waits to run now. */
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
  /** No more commands are run. The answers so far are still sent. */
  private isEnded = false
  /** Whether nothing was received since {@link finishIfSilent} last looked. */
  private wasSilent = true
  /** What was received is still answered, and nothing else is read. */
  private isFinishing = false
  /** Nothing is sent any more. */
  private isCut = false
  private isWorking = false
  /** The commands of other clients come first. */
  private isResting = false
  /** An exception of this connection: it ends this session, and nothing else. */
  private defect: { readonly thrown: unknown } | undefined
  private wake: (() => void) | undefined

  constructor(node: Connectable, address: string, host: Host = alone()) {
    this.host = host
    this.session = node.connect(
      {
        onAnswer: (answer) => this.answer(answer),
        onEnd: () => this.end(),
        // A turn of the node is under way, and further commands run after it.
        onReady: () => void Promise.resolve().then(() => this.work()),
        buffers: () => this.buffers()
      },
      { address }
    )
    if (this.session === undefined) this.isEnded = true
  }

  receive(chunk: Uint8Array): void {
    if (this.isEnded || this.isFinishing) return
    this.session?.received(chunk.length)
    this.wasSilent = false
    this.parser.feed(chunk)
    this.work()
    if (this.parser.size > (this.unsent < heldOutput ? maxInput : maxHeldInput)) this.cut()
  }

  /** How many bytes of answers wait for the client. */
  get unsent(): number {
    return this.output.length + this.sending
  }

  private buffers(): Buffers {
    const { output, parser, sending, unsent } = this
    return {
      input: parser.size,
      output: output.unfinished,
      fullBuffers: output.complete + (sending > 0 ? 1 : 0),
      fullBytes: unsent - output.unfinished
    }
  }

  /** Whether the node has no room for the client, which is told so. */
  get isTurnedAway(): boolean {
    return this.session === undefined && this.unsent > 0
  }

  /** Answers what was received, and ends then. A GETJOB that waits is not answered. */
  finish(): void {
    this.isFinishing = true
    this.work()
  }

  /** Finishes if nothing was received since the last call; false if more may be on its way. */
  finishIfSilent(): boolean {
    const { wasSilent } = this
    this.wasSilent = true
    if (wasSilent) this.finish()
    return wasSilent
  }

  /** Whether it has ended after {@link finish}, and the client is there to read the last answers. */
  get hasFinished(): boolean {
    return this.isFinishing && this.isEnded && !this.isCut
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

  /** Sends the answers as they arrive. Ends when the session has ended and all answers are sent. */
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
            this.session?.sent(piece.length)
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
      if (this.isFinishing) this.endWhenDone()
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

  /** Ends if nothing that was received is left to answer. */
  private endWhenDone(): void {
    if (this.isEnded || this.isResting || this.unsent >= heldOutput) return
    if (this.session?.isBusy() === true) this.session.withdraw(() => this.end())
    else this.end()
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

  /** Cuts the client off, and drops the answers that wait. */
  cut(): void {
    if (this.isCut) return
    this.isCut = true
    this.release()
    this.end()
    this.host.onCut()
  }
}
