/** The help of `disco serve`: every option in one sentence, in groups. */
import { groups, type Option, offered } from "./options.js"

const sentence = (option: Option): string => option.sentence

const entry = ([name, option]: readonly [string, Option]): string => {
  const value = option.kind === "flag" ? "" : ` ${option.value}`
  const alias = option.alias === undefined ? "" : `, --${option.alias}${value}`
  return `  --${name}${value}${alias}\n      ${sentence(option)}\n`
}

const group = ([key, title]: readonly [string, string]): string =>
  `${title}:\n\n${offered
    .filter(([, option]) => option.group === key)
    .map(entry)
    .join("")}`

export const help = `disco serve: run a Disque node in this process, until Ctrl-C

  disco serve [options]

${Object.entries(groups).map(group).join("\n")}
  -h, --help
      Show this help.

Each option can be given as a variable too, such as DISCO_MAXMEMORY=100mb, and in the file of --config, such as maxmemory 100mb. The command line goes before variables, and these go before the file.
`
