import { ConnectionError, type DisqueLink, type Reply } from "@disco/core"
import { Fifo } from "@disco/core/internal"
import * as Exit from "effect/Exit"
import type { SessionHandlers } from "../node/client.js"
import { toReply } from "../wire/answers.js"
import { asBody, fromText } from "../wire/bytes.js"
import type { Session } from "./nodeProcess.js"

type Done = (outcome: Exit.Exit<Reply.Reply, ConnectionError>) => void

interface Connectable {
  readonly connect: (handlers: SessionHandlers, options: { readonly isAuthenticated: boolean }) => Session | undefined
}

/** A link to a node in the process; `undefined` if the node is down. `address` is what was dialed. */
export const makeLink = (node: Connectable, address: string): DisqueLink | undefined => {
  let inFlight = new Fifo<Done>()
  let broken: ConnectionError | undefined
  const breakOff = (reason: ConnectionError): void => {
    if (broken !== undefined) return
    broken = reason
    const left = inFlight.drain()
    inFlight = new Fifo()
    for (const done of left) done(Exit.fail(reason))
  }
  const session = node.connect(
    {
      onAnswer: (answer) => inFlight.shift()?.(Exit.succeed(toReply(answer))),
      onEnd: () => breakOff(new ConnectionError({ node: address, reason: "lost" }))
    },
    { isAuthenticated: true }
  )
  if (session === undefined) return undefined
  return {
    node: address,
    isOpen: () => broken === undefined,
    send: (command, done) => {
      if (broken !== undefined) {
        done(Exit.fail(broken))
        return
      }
      inFlight.push(done)
      session.send(command.map((argument) => asBody(typeof argument === "string" ? fromText(argument) : argument)))
    },
    close: (reason) => {
      if (broken !== undefined) return
      session.close()
      breakOff(reason)
    },
    withdraw: () => {
      let isTaken = false
      session.withdraw(() => {
        isTaken = true
        inFlight.shift()
      })
      return isTaken
    }
  }
}
