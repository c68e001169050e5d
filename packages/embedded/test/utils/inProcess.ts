import type { Answer, EmbeddedNode } from "../../src/index.js"
import { Backlog } from "../../src/internal/host/backlog.js"
import type { Host } from "../../src/internal/host/connection.js"

/** Text of which each character is a byte. */
export const latin1 = (text: string): Buffer => Buffer.from(text, "latin1")

/** A command as a client sends it. */
export const command = (...words: ReadonlyArray<string>): string =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`

/** Sends a command of a client in the process, which is answered at once. */
export const ask = (node: EmbeddedNode, ...words: ReadonlyArray<string>): Answer => {
  let answer: Answer = "nothing"
  const client = node.connect({ onAnswer: (given) => (answer = given), onEnd: () => {} })
  client?.send(words)
  client?.close()
  return answer
}

/** What a connection is given of its server, unless a test says otherwise. */
export const host = (changes: Partial<Host> = {}): Host => ({
  backlog: new Backlog(2 ** 30),
  onCut: () => {},
  now: () => 0,
  later: (work) => work(),
  ...changes
})
