import { assert, describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { read } from "../src/command/commandLine.js"
import { signatureOf } from "../src/command/signature.js"
import { byName } from "../src/commands.js"
import { version } from "../src/version.js"
import { allCommands } from "./utils/allCommands.js"
import { cluster, disco } from "./utils/disco.js"
import { looks } from "./utils/looks.js"

/** The words of an example, as a shell reads them. */
const words = (line: string): ReadonlyArray<string> =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "")

describe("disco", () => {
  it.effect("describes every command in plain sentences, with examples that can be read", () =>
    Effect.gen(function* () {
      for (const [path, command] of yield* allCommands) {
        assert.match(command.summary, /^[A-Z][^.]*[^.]$/, path)
        if (command.details !== undefined) assert.match(command.details, /^[A-Z].*\.$/s, path)
        for (const each of [...Object.values(command.args), ...Object.values(command.options)]) {
          assert.match(each.sentence, /^[A-Z].*\.$/, `${path}: ${each.value}`)
        }
        assert.isAbove(command.examples.length, 0, path)
        for (const [line] of command.examples) {
          // What is before a pipe or behind one belongs to others.
          const own = /(?:^|\| )disco ([^|<>]*)/.exec(line)?.[1] ?? ""
          assert.isTrue(own.startsWith(path), `${path}: ${line}`)
          const result = read(signatureOf(command, path), words(own.slice(path.length)))
          assert.strictEqual(result._tag, "Right", `${path}: ${line}`)
        }
      }
    })
  )

  it.effect("has the form of the JSON of each command that prints some", () =>
    Effect.gen(function* () {
      for (const [path, command] of yield* allCommands) {
        const hasJson = "json" in signatureOf(command, path).options
        assert.strictEqual(hasJson, command.output !== undefined, path)
      }
    })
  )

  looks("disco help", ["latency", "--help"])
  looks("disco help", ["context", "--help"])

  it.effect("lists its commands, and shows the help of each, however it is asked for", () =>
    Effect.gen(function* () {
      const { status, stderr, stdout } = yield* disco([])
      assert.deepStrictEqual([status, stderr], [0, ""])
      for (const name of byName.keys()) assert.match(stdout, new RegExp(`^  ${name} `, "m"))
      for (const same of [["--help"], ["-h"], ["help"]]) assert.strictEqual((yield* disco(same)).stdout, stdout)
      const help = (yield* disco(["ping", "--help"])).stdout
      assert.match(help, /^Ask each node .*\n\nUsage\n {2}disco ping \[options\]\n/s)
      for (const same of [
        ["help", "ping"],
        ["ping", "-h"],
        ["ping", "--count", "5", "--help"]
      ]) {
        assert.strictEqual((yield* disco(same)).stdout, help)
      }
      expect((yield* disco(["--version"])).stdout).toBe(`${version}\n`)
    }).pipe(Effect.provide(cluster))
  )

  it.effect("says what may have been meant by a wrong word, and ends with status 2", () =>
    Effect.gen(function* () {
      for (const [given, said] of [
        [["latncy"], 'there is no command "latncy": did you mean latency?'],
        [["zebra"], 'there is no command "zebra": disco --help lists them'],
        [["contexts", "list"], 'there is no command "contexts": did you mean context?'],
        [["--json", "ping"], "a command comes first, and --json is an option: disco COMMAND [options]"],
        [["latency", "--eveyr", "2s"], "latency has no option --eveyr: did you mean --every?"],
        [["--completions", "csh"], '--completions takes one of bash, zsh, fish, and not "csh"']
      ] as const) {
        assert.deepStrictEqual(yield* disco(given), { status: 2, stdout: "", stderr: `disco: ${said}\n` })
      }
    }).pipe(Effect.provide(cluster))
  )
})
