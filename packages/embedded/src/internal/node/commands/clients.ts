import { type Answer, err, Failure, nullBulk, ok, syntaxError } from "../../wire/answers.js"
import { type Argument, asText } from "../../wire/bytes.js"
import { parseInteger } from "../../wire/integers.js"
import type { Client } from "../client.js"
import { endSession } from "../clients.js"
import type { Node } from "../node.js"
import { notAnInteger, parseTimeout, quoted, word } from "./arguments.js"
import { noAnswer } from "./noAnswer.js"

const noSuchClient = err("No such client")
const badName = err("Client names cannot contain spaces, newlines or special characters.")
/** CLIENT LIST puts all names in one answer. */
const longestClientName = 4096
const tooLongName = err(`Client names cannot be longer than ${longestClientName} bytes.`)
const usage = err("Syntax error, try CLIENT (LIST | KILL ip:port | GETNAME | SETNAME connection-name)")

const describe = (node: Node, client: Client): string => {
  const flags = `${client.monitor ? "O" : ""}${client.blocked === null ? "" : "b"}${client.isDeaf ? "c" : ""}` || "N"
  const age = node.seconds - client.createdAt
  const idle = node.seconds - client.lastAt
  const { fullBuffers, fullBytes, input, output } = client.buffers
  const events = output + fullBytes > 0 ? "rw" : "r"
  return `id=${client.id} addr=${client.address} fd=${client.id} name=${client.name} age=${age} idle=${idle} flags=${flags} qbuf=${input} qbuf-free=0 obl=${output} oll=${fullBuffers} omem=${fullBytes} events=${events} cmd=${client.lastCommand}\n`
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

const kill = (node: Node, client: Client, command: ReadonlyArray<Argument>): Answer | typeof noAnswer => {
  const victims = parseVictims(command)
  if (victims instanceof Failure) return victims
  const killed = [...node.clients.values()].filter(
    (other) =>
      (victims.address === undefined || other.address === victims.address) &&
      (victims.id === 0 || other.id === victims.id) &&
      !(other === client && victims.isSelfSpared)
  )
  for (const other of killed) if (other !== client) endSession(node, other)
  const answer: Answer = command.length > 3 ? killed.length : killed.length === 0 ? noSuchClient : ok
  if (!killed.includes(client)) return answer
  client.answer(answer)
  endSession(node, client)
  return noAnswer
}

const setReplies = (client: Client, argument: Argument): Answer | typeof noAnswer => {
  const mode = word(argument)
  if (mode !== "on" && mode !== "off" && mode !== "skip") return syntaxError
  if (mode === "on") client.replies = "on"
  else if (mode === "off") client.replies = "off"
  else if (client.replies !== "off") client.replies = "skip next"
  return mode === "on" || client.inProcess ? ok : noAnswer
}

/** Makes all clients wait until a time, in ms since the base. */
const pauseClients = (node: Node, until: number): void => {
  if (until <= node.ms) return
  node.pausedUntil = until
  node.alarms.set(node.resume, until)
}

/** CLIENT LIST | KILL … | SETNAME name | GETNAME | REPLY mode | PAUSE ms */
export const clientCommand = (
  node: Node,
  client: Client,
  command: ReadonlyArray<Argument>
): Answer | typeof noAnswer => {
  const name = word(command[1] as Argument)
  const value = command[2]
  if (name === "list" && value === undefined) {
    return [...node.clients.values()].map((other) => describe(node, other)).join("")
  }
  if (name === "kill") return kill(node, client, command)
  if (name === "getname" && value === undefined) return client.name === "" ? nullBulk : client.name
  if (value === undefined || command.length !== 3) return usage
  if (name === "reply") return setReplies(client, value)
  if (name === "setname") {
    if (value.length > longestClientName) return tooLongName
    const text = asText(value)
    if (!/^[!-~]*$/.test(text)) return badName
    client.name = text
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
