/** A client on a TCP socket that reads replies in order. */
import * as Net from "node:net"
import { decode, type Recorded } from "./wire.js"

export class TcpClient {
  readonly socket: Net.Socket
  isClosed = false
  private buffer = Buffer.alloc(0)
  private at = 0
  private readonly replies: Array<Recorded> = []
  private waiting: (() => void) | undefined

  static connect(port: number): Promise<TcpClient> {
    return new Promise((resolve, reject) => {
      const socket = Net.connect({ host: "127.0.0.1", port, noDelay: true })
      socket.once("connect", () => resolve(new TcpClient(socket)))
      socket.once("error", reject)
    })
  }

  private constructor(socket: Net.Socket) {
    this.socket = socket
    socket.on("data", (chunk: Buffer) => {
      this.buffer = Buffer.concat([this.buffer.subarray(this.at), chunk])
      this.at = 0
      for (let reply = decode(this.buffer, 0); reply !== undefined; reply = decode(this.buffer, this.at)) {
        this.at = reply.at
        this.replies.push(reply.value)
      }
      this.waiting?.()
    })
    socket.on("error", () => {})
    socket.on("close", () => {
      this.isClosed = true
      this.waiting?.()
    })
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes)
  }

  /** The next reply; `undefined` if none comes within `ms`, or any more. */
  async next(ms: number): Promise<Recorded | undefined> {
    const deadline = Date.now() + ms
    while (this.replies.length === 0 && !this.isClosed) {
      const left = deadline - Date.now()
      if (left <= 0) return undefined
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.waiting = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    return this.replies.shift()
  }

  /** Waits until the other side has closed. */
  async closed(ms: number): Promise<boolean> {
    const deadline = Date.now() + ms
    while (!this.isClosed && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5))
    return this.isClosed
  }

  close(): void {
    this.socket.destroy()
  }
}
