/** What makes a shell complete the commands, options and values of `disco`: written by `@effect/cli`. */
import * as Args from "@effect/cli/Args"
import * as Descriptor from "@effect/cli/CommandDescriptor"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import type { Command, Group } from "./Command.js"
import { optionName } from "./commandLine.js"
import type { Argument, Completion, Option } from "./parameters.js"
import { signatureOf } from "./signature.js"

type Shell = "bash" | "zsh" | "fish"

type AnyOptions = Options.Options<unknown>

const valuesOf = (name: string, completion: Completion | undefined): AnyOptions => {
  if (completion === "file") return Options.file(name)
  if (completion === "folder") return Options.directory(name)
  return completion === undefined ? Options.text(name) : Options.choice(name, [...completion])
}

const optionOf = (key: string, { alias, completion, kind, sentence, short }: Option<unknown>): AnyOptions => {
  const name = optionName(key).slice(2)
  let option: AnyOptions = kind === "flag" ? Options.boolean(name) : valuesOf(name, completion)
  for (const other of [alias, short]) if (other !== undefined) option = Options.withAlias(option, other)
  return Options.withDescription(option, sentence)
}

const argumentOf = ({ completion, sentence, value: name }: Argument<unknown>): Args.Args<unknown> => {
  const argument: Args.Args<unknown> =
    completion === "file"
      ? Args.file({ name })
      : completion === "folder"
        ? Args.directory({ name })
        : completion === undefined
          ? Args.text({ name })
          : Args.choice(
              completion.map((word) => [word, word] as const) as [[string, string], ...Array<[string, string]>],
              { name }
            )
  return Args.withDescription(argument, sentence)
}

const descriptorOf = (command: Command, path: string): Descriptor.Command<unknown> => {
  const { args, options } = signatureOf(command, path)
  return Descriptor.make(
    command.name,
    Options.all(Object.entries(options).map(([key, option]) => optionOf(key, option))),
    Args.all(Object.values(args).map(argumentOf))
  ).pipe(Descriptor.withDescription(command.summary))
}

const nodeOf = (each: Command | Group): Descriptor.Command<unknown> => {
  if (each.kind === "command") return descriptorOf(each, each.name)
  const [first, ...others] = each.commands.map((command) => descriptorOf(command, `${each.name} ${command.name}`))
  const parent = Descriptor.make(each.name).pipe(Descriptor.withDescription(each.summary))
  return first === undefined
    ? parent
    : Descriptor.withSubcommands(parent, [["", first], ...others.map((other) => ["", other] as const)])
}

// Options that commands of @effect/cli have, and that those here do not have.
const foreign = /(^|[\s'"(-])(-?-(wizard|log-level|completions|version)|-l (wizard|log-level|completions|version))\b/

/** Words of the lists that the script for bash has. */
const foreignWords = /--(wizard|log-level|completions|version) ?/g

// @effect/cli puts commas between words that bash wants spaces between.
const withSpaces = (line: string): string =>
  line.replace(/(compgen -W ")([^"$]+)"/, (_, before, words) => `${before}${words.replaceAll(",", " ")}"`)

const cleaned = (shell: Shell, lines: ReadonlyArray<string>): string =>
  (shell === "bash"
    ? lines.map((line) => (/^\s*opts="/.test(line) ? line.replace(foreignWords, "") : withSpaces(line)))
    : lines.filter((line) => !foreign.test(line))
  ).join("\n")

/** The script for a shell. */
export const script = (shell: Shell, commands: ReadonlyArray<Command | Group>): Effect.Effect<string> => {
  const [first, ...others] = commands.map(nodeOf)
  const root = Descriptor.make("disco")
  const disco =
    first === undefined
      ? root
      : Descriptor.withSubcommands(root, [["", first], ...others.map((other) => ["", other] as const)])
  const lines =
    shell === "bash"
      ? Descriptor.getBashCompletions(disco, "disco")
      : shell === "zsh"
        ? Descriptor.getZshCompletions(disco, "disco")
        : Descriptor.getFishCompletions(disco, "disco")
  return Effect.map(lines, (lines) => cleaned(shell, lines))
}
