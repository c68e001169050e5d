/** Links over ioredis, of which they use the sockets alone. Queues, resends and reconnects are up to Disco. */
import { isIP } from "node:net"
import type { ConnectionOptions } from "node:tls"
import { type Arguments, ConnectionError, type ConnectionErrorReason, type DisqueLink, Reply } from "@disco/core"
import { Fifo, Time } from "@disco/core/internal"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { Redis, type RedisOptions } from "ioredis"
import { format, type NodeAddress } from "../NodeAddress.js"
import { CommandWriter } from "./commandWriter.js"
import { Malformed, ReplyParser } from "./replyParser.js"

type Done = Parameters<DisqueLink["send"]>[1]

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

/** The callback of a GETJOB. */
class GetJob {
  readonly done: Done

  constructor(done: Done) {
    this.done = done
  }
}

const doneOf = (waiting: Done | GetJob): Done => (waiting instanceof GetJob ? waiting.done : waiting)

class IoredisLink implements DisqueLink {
  readonly node: string
  private readonly redis: Redis
  private readonly stream: Redis["stream"]
  private readonly outgoing: CommandWriter
  /** The callbacks of the commands without a reply, in the order of the commands. */
  private readonly waiting = new Fifo<Done | GetJob>()
  private isClosed = false
  private lastError: Error | undefined = undefined
  /** The last reply if it was an error, for which the node may have closed the connection. */
  private lastWords: Reply.ErrorReply | undefined = undefined

  /** Takes over the socket of a connected client. */
  constructor(node: string, redis: Redis) {
    this.node = node
    this.redis = redis
    const { stream } = redis
    this.stream = stream
    this.outgoing = new CommandWriter((parts) => {
      if (parts.length > 1) stream.cork()
      for (const part of parts) stream.write(part)
      if (parts.length > 1) stream.uncork()
    })
    const incoming = new ReplyParser(
      (reply) => this.settle(reply),
      () => this.waiting.peek() instanceof GetJob
    )
    // The parser of ioredis is replaced.
    stream.removeAllListeners("data")
    stream.on("data", (bytes: Buffer) => {
      try {
        incoming.add(bytes)
      } catch (thrown) {
        if (!(thrown instanceof Malformed)) throw thrown
        this.close(this.lost(thrown))
      }
    })
    redis.on("error", (error) => {
      this.lastError = error
    })
    stream.once("close", () => this.end(this.lost(undefined)))
  }

  isOpen(): boolean {
    return !this.isClosed
  }

  send(command: Arguments, done: Done): void {
    if (this.isClosed || !this.stream.writable) {
      done(
        Exit.fail(new ConnectionError({ node: this.node, reason: "unsent", cause: this.lastWords ?? this.lastError }))
      )
      return
    }
    this.waiting.push(command[0] === "GETJOB" ? new GetJob(done) : done)
    this.outgoing.add(command)
  }

  private settle(reply: Reply.Reply): void {
    if (this.isClosed) return
    this.lastWords = reply instanceof Reply.ErrorReply ? reply : undefined
    const waiting = this.waiting.shift()
    if (waiting !== undefined) {
      doneOf(waiting)(Exit.succeed(reply))
    } else if (this.lastWords === undefined) {
      throw new Malformed("A reply came to no command.")
    } else {
      // A node sends one thing without a command: why it closes the connection.
      this.close(this.lost(undefined))
    }
  }

  private lost(error: Error | undefined): ConnectionError {
    return new ConnectionError({ node: this.node, reason: "lost", cause: this.lastWords ?? this.lastError ?? error })
  }

  close(reason: ConnectionError): void {
    this.end(reason)
    this.redis.disconnect()
  }

  private end(reason: ConnectionError): void {
    this.isClosed = true
    for (const waiting of this.waiting.drain()) doneOf(waiting)(Exit.fail(reason))
  }
}

/** The server name for TLS. An IP address is no server name, and a server name has no dot at its end. */
const serverName = ({ at }: NodeAddress): ConnectionOptions =>
  "path" in at || isIP(at.host) !== 0 ? {} : { servername: at.host.replace(/\.$/, "") }

const options = (address: NodeAddress, tls: ConnectionOptions): RedisOptions => ({
  ...address.at,
  ...(address.tls ? { tls: tls.servername === undefined ? { ...tls, ...serverName(address) } : tls } : {}),
  lazyConnect: true,
  // `connect` keeps the time: a timer of a socket lasts 25 days at most, and starts again with every byte.
  connectTimeout: 0,
  // The link does not wait for a peer that does not answer the end of the connection.
  disconnectTimeout: 100,
  keepAlive: 10_000,
  disableClientInfo: true,
  enableReadyCheck: false,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  retryStrategy: () => null
})

/** Opens the socket and greets the node, within the time given. Nothing stays open after a failure or an interruption. */
export const connect = <E>(
  address: NodeAddress,
  tls: ConnectionOptions,
  connectMillis: number,
  greet: (link: DisqueLink) => Effect.Effect<void, E>
): Effect.Effect<DisqueLink, ConnectionError | E> =>
  Effect.suspend(() => {
    const node = format(address)
    const redis = new Redis(options(address, tls))
    const opened = Effect.async<DisqueLink, ConnectionError>((resume) => {
      let cause: unknown
      redis.on("error", (error) => {
        cause ??= error
      })
      redis.connect().then(
        () => resume(Effect.succeed(new IoredisLink(node, redis))),
        (error) => {
          const reason = reasonOf(cause ?? error)
          resume(Effect.fail(new ConnectionError({ node, reason, cause: cause ?? error })))
        }
      )
    })
    return Time.timeoutOption(Effect.tap(opened, greet), connectMillis).pipe(
      Effect.flatMap(
        Option.match({
          onNone: () => Effect.fail(new ConnectionError({ node, reason: "timed-out" })),
          onSome: Effect.succeed
        })
      ),
      Effect.onError(() => Effect.sync(() => redis.disconnect()))
    )
  })
