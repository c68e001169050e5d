/** Links over ioredis, used for its sockets and its parser alone: what it would queue, resend or reconnect is Disco's to decide. */
import type { ConnectionOptions } from "node:tls"
import { type Arguments, ConnectionError, type ConnectionErrorReason, type DisqueLink, Reply } from "@disco/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { Command, Redis, type RedisOptions } from "ioredis"
import { format, type NodeAddress } from "../NodeAddress.js"

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

// ioredis gives status lines and bulks as buffers, and integers as text because they may not fit a double.
const toReply = (value: unknown): Reply.Reply => {
  if (value instanceof Uint8Array) return new Uint8Array(value.buffer, value.byteOffset, value.length)
  if (Array.isArray(value)) return value.map(toReply)
  if (value instanceof Error) return new Reply.ErrorReply({ text: value.message })
  if (value === null) return null
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : BigInt(value as string)
}

const toArgument = (argument: string | Uint8Array): string | Buffer =>
  typeof argument === "string" ? argument : Buffer.from(argument.buffer, argument.byteOffset, argument.length)

class IoredisLink implements DisqueLink {
  readonly node: string
  private readonly redis: Redis
  private readonly pending = new Set<Done>()
  private isClosed = false
  private lastError: Error | undefined = undefined

  constructor(node: string, redis: Redis) {
    this.node = node
    this.redis = redis
    redis.on("error", (error) => {
      this.lastError = error
    })
    redis.on("end", () => this.end(new ConnectionError({ node, reason: "lost", cause: this.lastError })))
  }

  isOpen(): boolean {
    return !this.isClosed && this.redis.status === "ready"
  }

  send(command: Arguments, done: Done): void {
    const [name = "", ...args] = command as ReadonlyArray<string>
    this.pending.add(done)
    this.redis.sendCommand(
      new Command(name, args.map(toArgument), { replyEncoding: null }, (error, value) => {
        if (!this.pending.delete(done)) return
        if (error == null) done(Exit.succeed(toReply(value)))
        else if (error.name === "ReplyError") done(Exit.succeed(toReply(error)))
        else done(Exit.fail(new ConnectionError({ node: this.node, reason: "lost", cause: this.lastError ?? error })))
      })
    )
  }

  close(reason: ConnectionError): void {
    this.end(reason)
    this.redis.disconnect()
  }

  private end(reason: ConnectionError): void {
    this.isClosed = true
    const pending = [...this.pending]
    this.pending.clear()
    for (const done of pending) done(Exit.fail(reason))
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
