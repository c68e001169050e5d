import * as Effect from "effect/Effect"
import { type Answer, Failure } from "./answer.js"
import type { Client } from "./cluster.js"
import { AnswerWriter, CommandParser } from "./resp.js"
import type { SessionHandlers } from "./session.js"

/** With this many bytes of answers waiting to be sent, no more commands of the client are run. */
const heldOutput = 1024 * 1024

/** With this many bytes of answers waiting to be sent, a client that is given more is cut off. */
const maxOutput = 64 * 1024 * 1024

/** With this many bytes of commands behind answers that it does not read, a client is cut off. */
const maxHeldInput = 64 * 1024 * 1024

/** With this many bytes of commands waiting to be run, a client is cut off. The server's limit. */
const maxInput = 1024 * 1024 * 1024

interface Connectable {
  readonly connect: (handlers: SessionHandlers, options: { readonly address: string }) => Client | undefined
}

/** One client on a socket: its bytes in, the node's answers out. */
export class Connection {
  private readonly parser = new CommandParser()
  private readonly output = new AnswerWriter()
  private readonly client: Client | undefined
  private readonly onCut: () => void
  /** No more commands are run; what has been answered is still sent. */
  private isEnded = false
  /** Nothing is sent any more. */
  private isCut = false
  private isWorking = false
  /** What went wrong here: it ends this client, and nothing else. */
  private defect: { readonly thrown: unknown } | undefined
  private wake: (() => void) | undefined

  /** `onCut` is called when the client is cut off, which may be while it does not take what is sent to it. */
  constructor(node: Connectable, address: string, onCut: () => void = () => {}) {
    this.onCut = onCut
    this.client = node.connect(
      {
        onAnswer: (answer) => this.answer(answer),
        onEnd: () => this.end(),
        // A turn of the node is under way: commands run after it.
        onReady: () => void Promise.resolve().then(() => this.work())
      },
      { address }
    )
    if (this.client === undefined) this.isEnded = true
  }

  receive(chunk: Uint8Array): void {
    if (this.isEnded) return
    this.parser.feed(chunk)
    this.work()
    if (this.parser.size > (this.output.length < heldOutput ? maxInput : maxHeldInput)) this.cut()
  }

  close(): void {
    this.isCut = true
    this.end()
    this.client?.close()
  }

  /** Sends answers as they come, all there are in one go; ends once the session has, and all is sent. */
  writeAll<E>(write: (bytes: Uint8Array) => Effect.Effect<void, E>): Effect.Effect<void, E> {
    const next: Effect.Effect<void, E> = Effect.suspend(() => {
      if (this.defect !== undefined) return Effect.die(this.defect.thrown)
      if (this.isCut) return Effect.void
      if (this.output.length > 0) {
        return Effect.zipRight(
          write(this.output.take()),
          Effect.suspend(() => {
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
    if (this.isWorking) return
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
    const { client } = this
    while (client !== undefined && !this.isEnded && !client.isBusy() && this.output.length < heldOutput) {
      const command = this.parser.next()
      if (command === undefined) return
      if (command instanceof Failure) {
        this.answer(command)
        this.end()
        client.close()
      } else {
        client.send(command)
      }
    }
  }

  private answer(answer: Answer): void {
    if (this.output.length > maxOutput) {
      this.cut()
      return
    }
    this.output.write(answer)
    this.wake?.()
  }

  private end(): void {
    this.isEnded = true
    this.wake?.()
  }

  private cut(): void {
    if (this.isCut) return
    this.isCut = true
    this.end()
    this.onCut()
  }
}
