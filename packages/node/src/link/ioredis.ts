/** Links over ioredis, used for its sockets and its parser alone: what it would queue, resend or reconnect is Disco's to decide. */
import type { ConnectionOptions } from "node:tls"
import { type Arguments, ConnectionError, type ConnectionErrorReason, type DisqueLink, Reply } from "@disco/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { Redis, type RedisOptions } from "ioredis"
import { format, type NodeAddress } from "../NodeAddress.js"
import { Outgoing } from "./outgoing.js"

type Done = (outcome: Exit.Exit<Reply.Reply, ConnectionError>) => void

const reasons: Record<string, ConnectionErrorReason> = {
  ECONNREFUSED: "refused",
  ENOENT: "refused",
  ENOTFOUND: "unknown-host",
  EAI_AGAIN: "unknown-host",
  ETIMEDOUT: "timed-out"
}

const reasonOf = (error: unknown): ConnectionErrorReason => {
  const code = error instanceof Error && "code" in error ? error.code : undefined
  return (typeof code === "string" && reasons[code]) || "failed"
}

// ioredis gives status lines and bulks as buffers, and integers as text because they may not fit a double. Its arrays are
// nobody else's, so that they are changed where they are.
const toReply = (value: unknown): Reply.Reply => {
  if (typeof value === "string") {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : BigInt(value)
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = toReply(value[i])
    return value
  }
  return value instanceof Error ? new Reply.ErrorReply({ text: value.message }) : (value as Uint8Array | null)
}

/**
 * What ioredis needs of a command that it keeps until the reply: less than its own `Command`, which makes a promise of each and
 * turns it into bytes by itself.
 */
class Sent {
  readonly name = ""
  readonly args: ReadonlyArray<never> = []
  readonly isTraced = true
  readonly done: Done
  isSettled = false
  /** The one that was sent after it. */
  next: Sent | undefined = undefined
  private readonly link: IoredisLink

  constructor(link: IoredisLink, done: Done) {
    this.link = link
    this.done = done
  }

  resolve(value: unknown): void {
    this.link.settle(this, Exit.succeed(toReply(value)))
  }

  reject(error: Error): void {
    this.link.settle(
      this,
      error.name === "ReplyError" ? Exit.succeed(toReply(error)) : Exit.fail(this.link.lost(error))
    )
  }

  toWritable(): string {
    return ""
  }
}

// Where ioredis would write a command: it is in `Outgoing` by then.
const nowhere = { write: () => true }

class IoredisLink implements DisqueLink {
  readonly node: string
  private readonly redis: Redis
  private readonly outgoing: Outgoing
  // Replies come in the order of the commands: a chain is all that is needed, and leaves less behind than a Set.
  private first: Sent | undefined = undefined
  private last: Sent | undefined = undefined
  private isClosed = false
  private lastError: Error | undefined = undefined

  constructor(node: string, redis: Redis) {
    this.node = node
    this.redis = redis
    this.outgoing = new Outgoing((parts) => {
      const { stream } = redis
      if (parts.length > 1) stream.cork()
      for (const part of parts) stream.write(part)
      if (parts.length > 1) stream.uncork()
    })
    redis.on("error", (error) => {
      this.lastError = error
    })
    redis.on("end", () => this.end(this.lost(undefined)))
  }

  isOpen(): boolean {
    return !this.isClosed && this.redis.status === "ready"
  }

  send(command: Arguments, done: Done): void {
    if (!this.isOpen()) {
      done(Exit.fail(this.lost(undefined)))
      return
    }
    const sent = new Sent(this, done)
    if (this.last === undefined) this.first = sent
    else this.last.next = sent
    this.last = sent
    this.redis.sendCommand(sent as never, nowhere as never)
    this.outgoing.add(command)
  }

  settle(sent: Sent, outcome: Exit.Exit<Reply.Reply, ConnectionError>): void {
    if (sent.isSettled) return
    sent.isSettled = true
    if (this.first === sent) this.first = sent.next
    if (this.last === sent) this.last = undefined
    sent.done(outcome)
  }

  lost(error: Error | undefined): ConnectionError {
    return new ConnectionError({ node: this.node, reason: "lost", cause: this.lastError ?? error })
  }

  close(reason: ConnectionError): void {
    this.end(reason)
    this.redis.disconnect()
  }

  private end(reason: ConnectionError): void {
    this.isClosed = true
    for (let sent = this.first; sent !== undefined; sent = sent.next) this.settle(sent, Exit.fail(reason))
  }
}

const options = (address: NodeAddress, tls: ConnectionOptions, connectMillis: number): RedisOptions => ({
  ...address.at,
  ...(address.tls ? { tls } : {}),
  lazyConnect: true,
  connectTimeout: connectMillis,
  // A peer that does not answer the end of the connection is not waited for.
  disconnectTimeout: 100,
  keepAlive: 10_000,
  stringNumbers: true,
  disableClientInfo: true,
  enableReadyCheck: false,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  retryStrategy: () => null
})

/** Opens the socket. Where that fails or is interrupted, nothing stays open. */
export const connect = (
  address: NodeAddress,
  tls: ConnectionOptions,
  connectMillis: number
): Effect.Effect<DisqueLink, ConnectionError> =>
  Effect.suspend(() => {
    const node = format(address)
    const redis = new Redis(options(address, tls, connectMillis))
    const link = new IoredisLink(node, redis)
    return Effect.async<DisqueLink, ConnectionError>((resume) => {
      let cause: unknown
      redis.once("error", (error) => {
        cause = error
      })
      redis.connect().then(
        () => resume(Effect.succeed(link)),
        (error) => {
          const reason = reasonOf(cause ?? error)
          resume(Effect.fail(new ConnectionError({ node, reason, cause: cause ?? error })))
        }
      )
    }).pipe(Effect.onError(() => Effect.sync(() => redis.disconnect())))
  })
