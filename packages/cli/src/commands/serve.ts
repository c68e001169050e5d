/** `disco serve`: embedded nodes in the foreground. */
import * as Effect from "effect/Effect"
import { local } from "../command/Command.js"
import * as option from "../command/parameters.js"
import * as read from "../readers.js"
import { groups, type Option, offered } from "../serve/options.js"

// All as text: `serve/settings.ts` reads the values, as those of the environment and of files.
const declared = ({ alias, group, kind, sentence, value }: Option): option.Option<boolean | ReadonlyArray<string>> => {
  const more = {
    ...(alias === undefined ? {} : { alias }),
    ...(group === undefined ? {} : { group: groups[group] })
  }
  if (kind === "flag") return option.flag(sentence, more)
  const completion = value === "FILE" || value === "PATH" ? "file" : value === "DIR" ? "folder" : undefined
  return option.many(value, read.anyText, sentence, { ...more, ...(completion === undefined ? {} : { completion }) })
}

export const command = local({
  name: "serve",
  summary: "Run a Disque node in this process, until Ctrl-C",
  details:
    "Each option can be given as a variable too, such as DISCO_MAXMEMORY=100mb, and in the file of --config, such as maxmemory 100mb. The command line goes before variables, and these go before the file.",
  options: Object.fromEntries(offered.map(([name, each]) => [name, declared(each)])),
  examples: [
    ["disco serve", "a node on port 7711, with its jobs in memory"],
    ["disco serve --dir data", "a node that keeps its jobs in the folder data"],
    ["disco serve --port 7711 --port 7712 --port 7713", "three nodes of one cluster"]
  ],
  run: (given) =>
    Effect.flatMap(
      Effect.promise(() => import("../serve/run.js")),
      ({ run }) => run(given)
    )
})
