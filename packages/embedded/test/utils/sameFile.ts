/** What append-only files of different nodes have in common. */
import { readFileSync } from "node:fs"
import { setTimeout } from "node:timers/promises"
import type { Call } from "./brokers.js"

/** What is done to a node, and what its file holds then: but for ids and times, that is the same on all nodes. */
export interface Template {
  readonly name: string
  /** `{1}` stands for the first id that a node gave. `WAIT` waits for so many ms, `REWRITE` for the file to be rewritten. */
  readonly commands: ReadonlyArray<ReadonlyArray<string>>
  readonly records: ReadonlyArray<string>
  /** Whether a server writes the records in no order of their own. */
  readonly isUnordered?: boolean
}

const rewrite = async (call: Call): Promise<void> => {
  await call("BGREWRITEAOF")
  while (!/aof_rewrite_in_progress:0[\s\S]*aof_rewrite_scheduled:0/.test(String(await call("INFO", "persistence")))) {
    await setTimeout(10)
  }
}

/** Sends the commands, and returns the ids that the node gave. */
export const run = async (call: Call, { commands }: Pick<Template, "commands">): Promise<ReadonlyArray<string>> => {
  const ids: Array<string> = []
  for (const [name = "", ...args] of commands) {
    const sent = args.map((arg) => arg.replace(/\{(\d+)\}/g, (_, number) => ids[Number(number) - 1] ?? ""))
    if (name === "WAIT") await setTimeout(Number(sent[0]))
    else if (name === "REWRITE") await rewrite(call)
    else {
      const reply = await call(name, ...sent)
      if (name === "ADDJOB") ids.push(String(reply))
    }
  }
  return ids
}

const command = /\*2\r\n\$\d+\r\n(LOADJOB|DELJOB)\r\n\$(\d+)\r\n/y

/** The records of a file, with `job 1` for the first id, and without times and the id of the node. */
export const recordsOf = (file: string, ids: ReadonlyArray<string>, nodeId: string): ReadonlyArray<string> => {
  const text = readFileSync(file).toString("latin1")
  const records: Array<string> = []
  for (let at = 0; at < text.length; ) {
    command.lastIndex = at
    const [head = "", name, length] = command.exec(text) ?? []
    if (head === "") throw new Error(`no record at ${at} of ${file}`)
    const start = at + head.length
    const whole = text.slice(at, start + Number(length) + 2)
    // The id has 40 bytes, and 4 others follow; then come the end in s and the beginning in ns.
    const timeless =
      name === "DELJOB" ? whole : `${whole.slice(0, head.length + 48)}${"T".repeat(12)}${whole.slice(head.length + 60)}`
    records.push(
      ids
        .reduce((text, id, i) => text.replaceAll(id, `job ${i + 1}`.padEnd(40)), timeless)
        .replaceAll(nodeId, "N".repeat(40))
    )
    at += whole.length
  }
  return records
}

export const inOrder = ({ isUnordered }: Pick<Template, "isUnordered">, records: ReadonlyArray<string>) =>
  isUnordered === true ? [...records].sort() : records

export const nodeIdOf = (dir: string): string => readFileSync(`${dir}/nodes.conf`, "utf8").slice(0, 40)
