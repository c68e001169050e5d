import { type Answer, err, ok } from "../../wire/answers.js"
import type { Argument } from "../../wire/bytes.js"
import { parseInteger } from "../../wire/integers.js"
import type { Client } from "../client.js"
import type { Node } from "../node.js"
import { notAnInteger, word } from "./arguments.js"

const defaultCount = 10

/** SLOWLOG GET [count] | LEN | RESET */
export const slowLog = ({ slowLog }: Node, _: Client, command: ReadonlyArray<Argument>): Answer => {
  const name = word(command[1] as Argument)
  if (name === "reset" && command.length === 2) {
    slowLog.clear()
    return ok
  }
  if (name === "len" && command.length === 2) return slowLog.length
  if (name === "get" && command.length <= 3) {
    const count = command[2] === undefined ? defaultCount : parseInteger(command[2])
    if (count === undefined) return notAnInteger
    return slowLog.latest(count).map(({ at, id, micros, words }) => [id, at, micros, words])
  }
  return err("Unknown SLOWLOG subcommand or wrong # of args. Try GET, RESET, LEN.")
}
