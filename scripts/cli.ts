// Writes docs/cli.md from the commands of `disco`: their help, what they print over a cluster in the process with the same jobs
// and the same time, and the fields of their JSON. With --check it writes nothing, and fails where the file says something else.

import { readFile, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { Effect, JSONSchema, TestContext } from "effect"
import type { Command, Group } from "../packages/cli/src/command/Command.js"
import { help } from "../packages/cli/src/command/help.js"
import { subjectOf } from "../packages/cli/src/command/signature.js"
import { commands } from "../packages/cli/src/commands.js"
import { clusterOptions } from "../packages/cli/src/connection/options.js"
import { cluster, disco } from "../packages/cli/test/utils/disco.js"
import { prepare } from "../packages/cli/test/utils/example.js"
import { topScreen } from "../packages/cli/test/utils/topScreen.js"
import { fieldsOf } from "./cli/fields.js"
import { intro } from "./cli/intro.js"

const file = fileURLToPath(new URL("../docs/cli.md", import.meta.url))

const style = { columns: 80, hasColor: false }

/** The command lines whose output is shown. Otherwise it is the first example; none where the output is never the same, or never ends. */
const shown: Readonly<Record<string, ReadonlyArray<string>>> = {
  queue: ["disco queue emails"],
  show: ["disco show ID"],
  peek: ["disco peek emails"],
  get: ["disco get emails"],
  ack: ["disco ack ID --yes"],
  nack: ["disco nack ID"],
  enqueue: ["disco enqueue ID"],
  dequeue: ["disco dequeue ID --yes"],
  delete: ["disco delete ID --yes"],
  jobs: ["disco jobs --queue emails"],
  check: ["disco check emails --max-length 1"],
  pause: ["disco pause emails out"],
  resume: ["disco resume orders"],
  "dead redrive": ["disco dead redrive emails --dry-run"],
  "dead purge": ["disco dead purge emails --dry-run"],
  move: ["disco move emails emails.new --yes"],
  dashboard: [],
  "context list": [],
  "context add": [],
  "context use": [],
  "context rm": [],
  "node leave": [],
  "node join": [],
  "node forget": [],
  latency: [],
  top: [],
  bench: [],
  serve: [],
  dev: [],
  demo: [],
  "aof check": [],
  "aof fix": []
}

/** The words of a line, as a shell reads them. */
const words = (line: string): ReadonlyArray<string> =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "")

const onCluster = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(Effect.provide(cluster), Effect.provide(TestContext.TestContext))

/** What a line prints, over a cluster of its own. */
const once = (line: string) =>
  onCluster(
    Effect.gen(function* () {
      const id = yield* prepare
      const [, ...rest] = words(line).map((word) => (word === "ID" ? id : word))
      return { ...(yield* disco(rest, { columns: style.columns })), id }
    })
  )

// Virtual time goes on while modules are loaded. The second time, they are there.
const outputOf = (line: string) => Effect.zipRight(once(line), once(line))

/** The screen of disco top. */
const top = onCluster(Effect.zipRight(prepare, topScreen({ columns: style.columns, rows: 12 })))

const block = (text: string, language = "") => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``

/** The help without the options that all such commands have. */
const ownHelp = (command: Command, path: string): string => {
  const subject = subjectOf(command, path)
  const own = Object.entries(subject.options).filter(([key]) => !(key in clusterOptions))
  return help({ ...subject, options: Object.fromEntries(own) }, style)
}

const section = (command: Command, path: string) =>
  Effect.gen(function* () {
    const lines = shown[path] ?? command.examples.slice(0, 1).map(([line]) => line)
    const outputs: Array<string> = []
    for (const line of lines) {
      const { id, status, stderr, stdout } = yield* outputOf(line)
      const end = status === 0 ? "" : `\n(exit status ${status})`
      outputs.push(block(`$ ${line.replace(/\bID\b/, id)}\n${stdout}${stderr}${end}`))
    }
    if (path === "top") outputs.push(block(yield* top))
    const json =
      command.output === undefined
        ? []
        : [
            `\`--json\` prints ${command.isStream ? "one such line for each item" : "one document"}:`,
            fieldsOf(JSONSchema.make(command.output))
          ]
    return [`### disco ${path}`, block(ownHelp(command, path)), ...outputs, ...json].join("\n\n")
  })

const inGroup = (command: Command | Group) =>
  command.kind === "command"
    ? Effect.map(section(command, command.name), (text) => [text])
    : Effect.forEach(command.commands, (inner) => section(inner, `${command.name} ${inner.name}`))

const page = Effect.gen(function* () {
  const parts = [intro]
  for (const [title, loads] of Object.entries(commands)) {
    parts.push(`## ${title}`)
    for (const load of Object.values(loads)) {
      const { command } = yield* Effect.promise(load)
      parts.push(...(yield* inGroup(command)))
    }
  }
  return `${parts.join("\n\n")}\n`
})

// Virtual time may go on by a step while files are read, so that ages differ now and then.
const withoutTimes = (text: string): string => text.replace(/\b[\d.]+(ms|s|m)\b/g, "…").replace(/ +/g, " ")

const text = await Effect.runPromise(page)
const written = await readFile(file, "utf8").catch(() => "")
if (withoutTimes(written) !== withoutTimes(text)) {
  if (process.argv.includes("--check")) {
    console.error("docs/cli.md is not what the commands say: run npm run docs")
    process.exitCode = 1
  } else {
    await writeFile(file, text)
  }
}
