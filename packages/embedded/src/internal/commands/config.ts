import { type Answer, err, ok, quotable } from "../answer.js"
import { type Argument, asText } from "../bytes.js"
import type { Node } from "../node.js"
import type { Session } from "../session.js"
import { word } from "./arguments.js"

/** A glob with `*`, `?`, `[…]` and `\` as a regular expression. */
const globToRegExp = (glob: string): RegExp => {
  let source = ""
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i] as string
    const set = char === "[" ? /^\[(\^?)((?:\\.|[^\]\\])*)\]/.exec(glob.slice(i)) : null
    if (set !== null) {
      source += `[${set[1]}${(set[2] as string).replace(/[[\]^\\]/g, "\\$&")}]`
      i += set[0].length - 1
    } else if (char === "*") {
      source += "[^]*"
    } else if (char === "?") {
      source += "[^]"
    } else {
      const literal = char === "\\" && i + 1 < glob.length ? (glob[++i] as string) : char
      source += literal.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")
    }
  }
  return new RegExp(`^${source}$`)
}

const get = (node: Node, pattern: string): Answer => {
  const glob = globToRegExp(pattern)
  return node.config.entries().flatMap(([name, value]) => (glob.test(name) ? [name, value] : []))
}

const set = (node: Node, parameter: string, value: string): Answer => {
  const outcome = node.config.set(parameter.toLowerCase(), value)
  if (outcome === "unknown") return err(`Unsupported CONFIG parameter: ${quotable(parameter)}`)
  if (outcome === "invalid") return err(`Invalid argument '${quotable(value)}' for CONFIG SET '${quotable(parameter)}'`)
  return ok
}

/** CONFIG GET pattern | SET parameter value | RESETSTAT | REWRITE */
export const config = (node: Node, _: Session, command: ReadonlyArray<Argument>): Answer => {
  const name = word(command[1] as Argument)
  const length = { get: 3, set: 4, resetstat: 2, rewrite: 2 }[name]
  if (length === undefined) return err("CONFIG subcommand must be one of GET, SET, RESETSTAT, REWRITE")
  if (command.length !== length) {
    return err(`Wrong number of arguments for CONFIG ${quotable(asText(command[1] as Argument))}`)
  }
  if (name === "get") return get(node, asText(command[2] as Argument))
  if (name === "set") return set(node, asText(command[2] as Argument), asText(command[3] as Argument))
  if (name === "rewrite") return err("The server is running without a config file")
  Object.assign(node.stats, { connections: 0, commands: 0 })
  node.calls.clear()
  return ok
}
