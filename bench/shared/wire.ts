/** A client that does as little as it can, so that what is measured is the server. */
import * as Net from "node:net"

/** The bytes of a command. */
export const encode = (...words: ReadonlyArray<string>): string =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`

export class WireClient {
  private readonly socket: Net.Socket
  private onText: (text: string) => void = () => {}
  private onLost: (error: Error) => void = () => {}

  static connect(host: string, port: number): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = Net.connect({ host, port, noDelay: true })
      socket.once("error", reject)
      socket.once("connect", () => {
        socket.off("error", reject)
        resolve(new WireClient(socket))
      })
    })
  }

  private constructor(socket: Net.Socket) {
    this.socket = socket
    socket.setEncoding("latin1")
    socket.on("data", (text: string) => this.onText(text))
    socket.on("error", (error) => this.onLost(error))
    socket.on("close", () => this.onLost(new Error("The server closed the connection.")))
  }

  /**
   * Sends `chunks`, no more of them at a time than `ahead`, until `count` has seen as many things in the replies as
   * `total`: it is given the text of the replies as it comes, with what was left over of the last, and says how many more
   * it found and what is left over.
   */
  exchange(
    chunks: ReadonlyArray<string | Uint8Array>,
    options: {
      readonly total: number
      readonly ahead: number
      readonly count: (text: string) => { readonly found: number; readonly rest: string }
    }
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const perChunk = options.total / chunks.length
      let sent = 0
      let found = 0
      let rest = ""
      const send = () => {
        while (sent < chunks.length && sent - found / perChunk < options.ahead)
          this.socket.write(chunks[sent++] as string | Uint8Array)
      }
      this.onLost = reject
      this.onText = (text) => {
        // What was left over begins a line, unlike what a read brings.
        const all = rest + text
        if (all.startsWith("-") || all.includes("\n-")) return reject(new Error(all.slice(0, 200)))
        const counted = options.count(all)
        found += counted.found
        rest = counted.rest
        if (found >= options.total) resolve()
        else send()
      }
      send()
    })
  }

  /** Sends a command and gives the text of its reply, which has to come in one piece. */
  ask(...words: ReadonlyArray<string>): Promise<string> {
    return new Promise((resolve, reject) => {
      this.onLost = reject
      this.onText = resolve
      this.socket.write(encode(...words))
    })
  }

  close(): void {
    this.onLost = () => {}
    this.socket.destroy()
  }
}

/** Counts replies of one line each. */
export const countLines = (text: string): { readonly found: number; readonly rest: string } => {
  let found = 0
  let at = 0
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", at)) {
    found++
    at = end + 1
  }
  return { found, rest: text.slice(at) }
}
