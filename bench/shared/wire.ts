/** A client that does as little as it can, so that what is measured is the server. */
import * as Net from "node:net"

/** The bytes of a command. */
export const encode = (...words: ReadonlyArray<string>): Buffer =>
  Buffer.from(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`, "latin1")

/** Reads replies: says how many of the things that are counted the bytes hold, and how many of the bytes it has done with. */
export type Reader = (bytes: Buffer) => { readonly found: number; readonly read: number }

const nothing = Buffer.alloc(0)
const minus = 45

export class WireClient {
  private readonly socket: Net.Socket
  private onBytes: (bytes: Buffer) => void = () => {}
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
    socket.on("data", (bytes: Buffer) => this.onBytes(bytes))
    socket.on("error", (error) => this.onLost(error))
    socket.on("close", () => this.onLost(new Error("The server closed the connection.")))
  }

  /**
   * Sends `chunks`, no more of them at a time than `ahead`, until `reader` has found as many things in the replies as `total`:
   * it is given the bytes as they come, after those that it has not done with.
   */
  exchange(
    chunks: ReadonlyArray<Uint8Array>,
    options: { readonly total: number; readonly ahead: number; readonly reader: Reader }
  ): Promise<void> {
    if (chunks.length === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const perChunk = options.total / chunks.length
      let sent = 0
      let found = 0
      let rest: Buffer = nothing
      const send = () => {
        while (sent < chunks.length && sent - found / perChunk < options.ahead) {
          this.socket.write(chunks[sent++] as Uint8Array)
        }
      }
      this.onLost = reject
      this.onBytes = (bytes) => {
        const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
        // What was left over begins a reply.
        if (all[0] === minus) return reject(new Error(all.toString("latin1", 0, 200)))
        const counted = options.reader(all)
        found += counted.found
        rest = all.subarray(counted.read)
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
      this.onBytes = (bytes) => resolve(bytes.toString("latin1"))
      this.socket.write(encode(...words))
    })
  }

  close(): void {
    this.onLost = () => {}
    this.socket.destroy()
  }
}

const newline = 10
const dollar = 36
const star = 42

/** Counts replies of one line each, and stops at an error. */
export const readLines: Reader = (bytes) => {
  let found = 0
  let read = 0
  for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, read)) {
    if (bytes[read] === minus) break
    found++
    read = end + 1
  }
  return { found, read }
}

/** Counts jobs in replies to GETJOB, and gives their ids to `onId`. */
export const readJobs =
  (onId: (id: string) => void): Reader =>
  (bytes) => {
    let found = 0
    let read = 0
    /** Where the bulk that begins at `at` ends, and where its content begins; beyond the end where it is cut. */
    const bulk = (at: number): { readonly start: number; readonly end: number } => {
      const line = bytes[at] === dollar ? bytes.indexOf(newline, at) : -1
      if (line < 0) return { start: at, end: Number.POSITIVE_INFINITY }
      let length = 0
      for (let i = at + 1; i < line - 1; i++) length = length * 10 + (bytes[i] as number) - 48
      return { start: line + 1, end: line + 1 + length + 2 }
    }
    for (;;) {
      const line = bytes.indexOf(newline, read)
      if (line < 0 || bytes[read] !== star) return { found, read }
      const isJob = bytes[read + 1] === 51 && line === read + 3
      if (!isJob) {
        read = line + 1
        continue
      }
      const id = bulk(bulk(line + 1).end)
      const body = bulk(id.end)
      if (body.end > bytes.length) return { found, read }
      onId(bytes.toString("latin1", id.start, id.end - 2))
      found++
      read = body.end
    }
  }
