/** The notation of recorded exchanges: what is sent, what comes back, and how the two are compared. */
import { readFileSync } from "node:fs"
import type { Answer } from "../../src/index.js"
import { Failure, nullArray, nullBulk, Status } from "../../src/internal/wire/answers.js"

/** A reply in the notation: `{"+": status}`, `{"-": error}`, `{":": integer}`, `{"$": bulk}`, `{"$hex": bytes}`, `{"*": items}`. */
export type Recorded = { readonly [kind: string]: unknown }

/** An argument: text, or bytes in hexadecimal. */
export type RecordedArgument = string | { readonly hex: string }

export interface Step {
  readonly on?: string
  readonly node?: number
  readonly send?: ReadonlyArray<RecordedArgument>
  readonly raw?: string
  readonly reply?: Recorded
  readonly within?: number
  readonly notBefore?: number
  readonly silent?: number
  readonly sleep?: number
  readonly close?: boolean
}

export interface Scenario {
  readonly name: string
  readonly nodes: number
  readonly config?: { readonly requirepass?: string; readonly maxmemory?: number }
  readonly steps: ReadonlyArray<Step>
}

/** All that was recorded of a server, `more.json` where the node once differed. */
export const scenarios: ReadonlyArray<Scenario> = ["wire.json", "more.json"].flatMap((file) =>
  JSON.parse(readFileSync(new URL(`../data/${file}`, import.meta.url), "utf8"))
)

export type Variables = Map<string, string>

const jobId = /^D-[0-9a-f]{8}-[A-Za-z0-9+/]{24}-[0-9a-f]{4}$/
const nodeId = /^[0-9a-f]{40}$/

/** Bytes as the notation has them: text, or hexadecimal where they are no UTF-8. */
export const bulk = (bytes: Uint8Array): Recorded => {
  const text = Buffer.from(bytes).toString("utf8")
  return Buffer.from(text, "utf8").equals(bytes) ? { $: text } : { $hex: Buffer.from(bytes).toString("hex") }
}

/** An answer of the engine in the notation. */
export const recorded = (answer: Answer): Recorded => {
  if (typeof answer === "string") return bulk(Buffer.from(answer, "latin1"))
  if (answer instanceof Uint8Array) return bulk(answer)
  if (typeof answer === "number" || typeof answer === "bigint") return { ":": Number(answer) }
  if (answer === nullBulk) return { $: null }
  if (answer === nullArray) return { "*": null }
  if (answer instanceof Status) return { "+": answer.text }
  if (answer instanceof Failure) return { "-": answer.text }
  return { "*": answer.map(recorded) }
}

/** Decodes one reply at `at`; `undefined` while it is not complete. */
export const decode = (buffer: Buffer, at: number): { readonly value: Recorded; readonly at: number } | undefined => {
  const end = buffer.indexOf("\r\n", at)
  if (end < 0) return undefined
  const kind = String.fromCharCode(buffer[at] ?? 0)
  const line = buffer.toString("utf8", at + 1, end)
  const next = end + 2
  if (kind === "+" || kind === "-") return { value: { [kind]: line }, at: next }
  if (kind === ":") return { value: { ":": Number(line) }, at: next }
  const length = Number(line)
  if (kind === "$") {
    if (length < 0) return { value: { $: null }, at: next }
    if (buffer.length < next + length + 2) return undefined
    return { value: bulk(buffer.subarray(next, next + length)), at: next + length + 2 }
  }
  if (kind !== "*") throw new Error(`not a reply: ${JSON.stringify(buffer.toString("latin1", at, end))}`)
  if (length < 0) return { value: { "*": null }, at: next }
  const items: Array<Recorded> = []
  let from = next
  for (let i = 0; i < length; i++) {
    const item = decode(buffer, from)
    if (item === undefined) return undefined
    items.push(item.value)
    from = item.at
  }
  return { value: { "*": items }, at: from }
}

/** The bytes of a command. */
export const encode = (command: ReadonlyArray<Uint8Array>): Buffer =>
  Buffer.concat([
    Buffer.from(`*${command.length}\r\n`),
    ...command.flatMap((argument) => [Buffer.from(`$${argument.length}\r\n`), argument, Buffer.from("\r\n")])
  ])

const substitute = (value: string, variables: Variables): string => {
  const repeat = /^@repeat:(.):(\d+)$/.exec(value)
  if (repeat !== null) return (repeat[1] ?? "").repeat(Number(repeat[2]))
  return value.startsWith("@q") ? value.slice(1) : (variables.get(value) ?? value)
}

export const argumentBytes = (argument: RecordedArgument, variables: Variables): Uint8Array =>
  typeof argument === "string" ? Buffer.from(substitute(argument, variables), "utf8") : Buffer.from(argument.hex, "hex")

const show = (value: unknown): string => JSON.stringify(value)?.slice(0, 300) ?? String(value)

const matchText = (wanted: string, got: unknown, variables: Variables): ReadonlyArray<string> => {
  if (typeof got !== "string") return [`expected text, got ${show(got)}`]
  if (wanted === "@any") return []
  if (/^@[jn]\d+$/.test(wanted) && !variables.has(wanted)) {
    if (!(wanted.startsWith("@j") ? jobId : nodeId).test(got)) return [`${show(got)} is no ${wanted}`]
    variables.set(wanted, got)
    return []
  }
  const text = substitute(wanted, variables)
  return text === got ? [] : [`expected ${show(text)}, got ${show(got)}`]
}

const matchInteger = (wanted: unknown, got: unknown): ReadonlyArray<string> => {
  if (wanted === "@int") return Number.isInteger(got) ? [] : [`expected an integer, got ${show(got)}`]
  const { from, to } =
    typeof wanted === "object" ? (wanted as { from: number; to: number }) : { from: wanted, to: wanted }
  const isIn = Number(got) >= Number(from) && Number(got) <= Number(to)
  return isIn ? [] : [`expected ${from} to ${to}, got ${show(got)}`]
}

const matchItems = (wanted: unknown, got: unknown, variables: Variables): ReadonlyArray<string> => {
  if (wanted === null || !Array.isArray(got))
    return wanted === got ? [] : [`expected ${show(wanted)}, got ${show(got)}`]
  const isSet = !Array.isArray(wanted)
  const items: ReadonlyArray<Recorded> = isSet ? (wanted as { set: ReadonlyArray<Recorded> }).set : wanted
  if (items.length !== got.length) return [`expected ${items.length} items, got ${show(got)}`]
  if (!isSet) return items.flatMap((item, i) => match(item, got[i], variables))
  const left = [...got]
  return items.flatMap((item) => {
    const index = left.findIndex((other) => match(item, other, new Map(variables)).length === 0)
    return index < 0 ? [`no item is ${show(item)}`] : match(item, left.splice(index, 1)[0], variables)
  })
}

/** The differences between a recorded reply and an actual one. */
export const match = (wanted: Recorded, got: Recorded, variables: Variables): ReadonlyArray<string> => {
  const kind = Object.keys(wanted)[0] ?? ""
  if (!(kind in got)) return [`expected ${show(wanted)}, got ${show(got)}`]
  if (kind === ":") return matchInteger(wanted[kind], got[kind])
  if (kind === "*") return matchItems(wanted[kind], got[kind], variables)
  if (wanted[kind] === null || got[kind] === null) {
    return wanted[kind] === got[kind] ? [] : [`expected ${show(wanted)}, got ${show(got)}`]
  }
  return matchText(String(wanted[kind]), got[kind], variables)
}
