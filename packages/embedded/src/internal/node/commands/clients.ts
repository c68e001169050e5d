import { type Answer, err, Failure, nullBulk, ok, syntaxError } from "../../wire/answers.js"
import { type Argument, asText } from "../../wire/bytes.js"
import { parseInteger } from "../../wire/integers.js"
import { abandon } from "../jobs.js"
import type { Node } from "../node.js"
import type { Session } from "../session.js"
import { notAnInteger, parseTimeout, quoted, word } from "./arguments.js"
import { noAnswer } from "./noAnswer.js"

const noSuchClient = err("No such client")
const badName = err("Client names cannot contain spaces, newlines or special characters.")
/** All names are in one answer of CLIENT LIST. */
const longestClientName = 4096
const tooLongName = err(`Client names cannot be longer than ${longestClientName} bytes.`)
const usage = err("Syntax error, try CLIENT (LIST | KILL ip:port | GETNAME | SETNAME connection-name)")

/** Ends a session from the side of the node. */
export const endSession = (node: Node, session: Session): void => {
  if (session.closed) return
  session.closed = true
  session.pending.drain()
  node.sessions.delete(session.id)
  node.monitors.delete(session)
  abandon(node, session)
  session.handlers.onEnd()
}

const describe = (node: Node, session: Session): string => {
  const flags = `${session.monitor ? "O" : ""}${session.blocked === null ? "" : "b"}${session.isDeaf ? "c" : ""}` || "N"
  const age = node.seconds - session.createdAt
  const idle = node.seconds - session.lastAt
  return `id=${session.id} addr=${session.address} fd=${session.id} name=${session.name} age=${age} idle=${idle} flags=${flags} qbuf=0 qbuf-free=32768 obl=0 oll=0 omem=0 events=r cmd=${session.lastCommand}\n`
}

interface Victims {
  address: string | undefined
  id: number
  type: string | undefined
  isSelfSpared: boolean
}

const parseVictims = (command: ReadonlyArray<Argument>): Victims | Failure => {
  const victims: Victims = { address: undefined, id: 0, type: undefined, isSelfSpared: true }
  if (command.length < 3) return syntaxError
  if (command.length === 3) {
    return { ...victims, address: asText(command[2] as Argument), isSelfSpared: false }
  }
  for (let i = 2; i < command.length; i += 2) {
    const name = word(command[i] as Argument)
    const value = command[i + 1]
    if (value === undefined) return syntaxError
    if (name === "id") {
      const id = parseInteger(value)
      if (id === undefined) return notAnInteger
      victims.id = id
    } else if (name === "type") {
      victims.type = word(value)
      if (victims.type !== "normal") return err(`Unknown client type '${quoted(value)}'`)
    } else if (name === "addr") {
      victims.address = asText(value)
    } else if (name === "skipme" && (word(value) === "yes" || word(value) === "no")) {
      victims.isSelfSpared = word(value) === "yes"
    } else {
      return syntaxError
    }
  }
  return victims
}

const kill = (node: Node, session: Session, command: ReadonlyArray<Argument>): Answer | typeof noAnswer => {
  const victims = parseVictims(command)
  if (victims instanceof Failure) return victims
  const killed = [...node.sessions.values()].filter(
    (other) =>
      (victims.address === undefined || other.address === victims.address) &&
      (victims.id === 0 || other.id === victims.id) &&
      !(other === session && victims.isSelfSpared)
  )
  for (const other of killed) if (other !== session) endSession(node, other)
  const answer: Answer = command.length > 3 ? killed.length : killed.length === 0 ? noSuchClient : ok
  if (!killed.includes(session)) return answer
  session.answer(answer)
  endSession(node, session)
  return noAnswer
}

const setReplies = (session: Session, argument: Argument): Answer | typeof noAnswer => {
  const mode = word(argument)
  if (mode !== "on" && mode !== "off" && mode !== "skip") return syntaxError
  if (mode === "on") session.replies = "on"
  else if (mode === "off") session.replies = "off"
  else if (session.replies !== "off") session.replies = "skip next"
  return mode === "on" || session.inProcess ? ok : noAnswer
}

/** Lets all clients wait until the time given, in ms since the base. */
const pauseClients = (node: Node, until: number): void => {
  if (until <= node.ms) return
  node.pausedUntil = until
  node.alarms.set(node.resume, until)
}

/** CLIENT LIST | KILL … | SETNAME name | GETNAME | REPLY mode | PAUSE ms */
export const client = (node: Node, session: Session, command: ReadonlyArray<Argument>): Answer | typeof noAnswer => {
  const name = word(command[1] as Argument)
  const value = command[2]
  if (name === "list" && value === undefined) {
    return [...node.sessions.values()].map((other) => describe(node, other)).join("")
  }
  if (name === "kill") return kill(node, session, command)
  if (name === "getname" && value === undefined) return session.name === "" ? nullBulk : session.name
  if (value === undefined || command.length !== 3) return usage
  if (name === "reply") return setReplies(session, value)
  if (name === "setname") {
    if (value.length > longestClientName) return tooLongName
    const text = asText(value)
    if (!/^[!-~]*$/.test(text)) return badName
    session.name = text
    return ok
  }
  if (name === "pause") {
    const until = parseTimeout(node, value)
    if (until instanceof Failure) return until
    pauseClients(node, until)
    return ok
  }
  return usage
}
