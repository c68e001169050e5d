// Writes docs/commands.md from the commands as packages/core defines them: what they say of themselves, and the types of
// their results. With --check it writes nothing, and fails where the file says something else.

import { mkdir, readFile, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { Commands, refusals } from "@disco/core"
import ts from "typescript"

const at = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))
const file = at("docs/commands.md")

const config = ts.readConfigFile(at("tsconfig.base.json"), ts.sys.readFile).config
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, at("."))
const sources = ["Commands", "DisqueError", "AdminCommands"].map((name) => at(`packages/core/src/${name}.ts`))
const program = ts.createProgram(sources, { ...options, composite: false, noEmit: true })
const checker = program.getTypeChecker()

const exportsOf = (symbol: ts.Symbol): ReadonlyArray<ts.Symbol> => {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  return checker.getExportsOfModule(target)
}
const moduleOf = (name: string): ts.Symbol => {
  const file = program.getSourceFile(at(`packages/core/src/${name}.ts`))
  const symbol = file === undefined ? undefined : checker.getSymbolAtLocation(file)
  if (symbol === undefined) throw new Error(`packages/core/src has no module ${name}.`)
  return symbol
}

const show = (type: ts.Type): string =>
  checker.typeToString(
    type,
    undefined,
    ts.TypeFormatFlags.NoTruncation |
      ts.TypeFormatFlags.WriteArrayAsGenericType |
      ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope
  )

/** The result of a definition: what its decoder gives. */
const resultOf = (symbol: ts.Symbol): string => {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  const decode = checker.getTypeOfSymbol(target).getProperty("decode")
  const [signature] = decode === undefined ? [] : checker.getTypeOfSymbol(decode).getCallSignatures()
  if (signature === undefined) throw new Error(`${symbol.name} has no decoder.`)
  return show(signature.getReturnType())
}

const commonErrors = () => {
  const symbol = exportsOf(moduleOf("DisqueError")).find(({ name }) => name === "CommandError")
  const type = symbol && checker.getDeclaredTypeOfSymbol(symbol)
  return type?.isUnion() ? type.types.map(show).sort() : []
}

/** What a definition says of its command. */
type Description = Pick<
  typeof Commands.ping,
  "name" | "summary" | "syntax" | "method" | "blocks" | "isIdempotent" | "needsHolder"
> & { readonly refusals: ReadonlyArray<keyof typeof refusals> }

interface Row extends Description {
  readonly result: string
}

const isDefinition = (value: object): value is Description => "summary" in value && "make" in value

const rowsOf = (values: object, symbols: ReadonlyArray<ts.Symbol>): ReadonlyArray<Row> =>
  symbols.flatMap((symbol) => {
    const value: unknown = Reflect.get(values, symbol.name)
    if (typeof value !== "object" || value === null) return [] // a type
    return isDefinition(value) ? [{ ...value, result: resultOf(symbol) }] : rowsOf(value, exportsOf(symbol))
  })

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const groupOf = ({ method }: Row): string => (method.includes(".") ? method.slice(0, method.indexOf(".")) : "")
const rows = rowsOf(Commands, exportsOf(moduleOf("Commands"))).toSorted(
  (a, b) => compare(groupOf(a), groupOf(b)) || compare(a.name, b.name) || compare(a.method, b.method)
)

const code = (text: string): string => (text === "" ? "" : `\`${text.replaceAll("|", "\\|")}\``)
const errorsOf = ({ isIdempotent, refusals: words }: Row): string => {
  if (words.length === Object.keys(refusals).length) return "any"
  return [...words.map((word) => code(refusals[word].name)), ...(isIdempotent ? [] : [code("OutcomeUnknown")])].join(
    " "
  )
}
const flagsOf = ({ blocks, isIdempotent, needsHolder }: Row): string =>
  [blocks && "blocks", isIdempotent && "twice", needsHolder && "holder"].filter(Boolean).join(", ")

const table = (group: ReadonlyArray<Row>): ReadonlyArray<string> => [
  "| command | method | arguments, as Disque writes them | result | errors | flags |",
  "|---|---|---|---|---|---|",
  ...group.map(
    (row) =>
      `| **${row.name}**<br>${row.summary.replaceAll("|", "\\|")} | ${code(row.method)} | ${code(row.syntax)} | ${code(row.result)} | ${errorsOf(row)} | ${flagsOf(row)} |`
  )
]

const groups = [...new Set(rows.map(groupOf))]
const text = [
  "# The commands",
  "",
  "<!-- Written by `npm run docs` from the commands in packages/core/src/commands. -->",
  "",
  "Each command is a value in `Commands` and a method of `DisqueConnection` and `DisquePool`. A value is made with",
  '`Commands.queueLength.make("emails")` and sent with `disque.execute`. The method does both.',
  "",
  `Any command can fail with ${commonErrors().map(code).join(", ")}.`,
  "A command that takes arguments can also fail with `InvalidArgument` before it is sent. The column *errors* lists what else a",
  "command can fail with. The column *flags* says:",
  "",
  "- **blocks**: the node may let the command wait. The command goes out over a link of its own, and only by its method.",
  "- **twice**: the command may be sent again if its reply never came. A command without this flag fails with `OutcomeUnknown` then.",
  "- **holder**: the command does its work on a node that holds the job, and goes to the node that the job was fetched from.",
  "",
  "The methods `getJob`, `getJobs`, `queues`, `jobs` and `jobIds` do more than send one command: they wait in slices, or go from",
  "page to page as a Stream. `oldestAge` sends QPEEK, SHOW and TIME, and gives how long ago the oldest waiting job was added.",
  "",
  "## A connection and a pool",
  "",
  "A connection and a pool offer the same methods, and differ in which nodes they ask. On a **connection**, each command is for one",
  "node: the node that the connection is on, or the node that the job was fetched from. On a **pool**, these methods ask the cluster:",
  "",
  "| method | on a pool |",
  "|---|---|",
  "| `queueLength` | gives the sum over all nodes |",
  "| `queueStats` | gives sums, the longest `age` and the shortest `idle` of all nodes, and each node by itself in `nodes` |",
  "| `oldestAge` | gives the oldest age on all nodes |",
  "| `show` | asks the node that the job was fetched from, then the node that took the job, then the others |",
  "| `queues`, `jobs`, `jobIds` | go through all nodes, one after the other, and give nothing twice |",
  "",
  "All nodes means those that HELLO lists with a priority below 100: a node that failed or is leaving is not asked. If one of them",
  "cannot be reached the call fails, because half of an answer would look like a whole one. All other methods are for one node, on a",
  'pool too. A connection that was taken out of a pool (`pool.connection`) is a connection. `disque.on("host:port")` offers the same',
  "methods for the node at that address, whichever node is in use.",
  ...groups.flatMap((group) => [
    "",
    group === "" ? "## Jobs and queues" : `## \`${group}\``,
    "",
    ...table(rows.filter((row) => groupOf(row) === group))
  ]),
  ""
].join("\n")

/** The administrative methods that show no documentation: it has to come through from the definitions of their commands. */
const undocumented = () => {
  const groups = exportsOf(moduleOf("AdminCommands")).find(({ name }) => name === "AdminCommands")
  if (groups === undefined) throw new Error("There is no AdminCommands.")
  return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(groups)).flatMap((group) =>
    checker
      .getPropertiesOfType(checker.getTypeOfSymbol(group))
      .filter((method) => method.getDocumentationComment(checker).length === 0)
      .map((method) => `${group.name}.${method.name}`)
  )
}

if (process.argv.includes("--check")) {
  const silent = undocumented()
  if (silent.length > 0) {
    console.error(`These methods show no documentation: ${silent.join(", ")}.`)
    process.exitCode = 1
  }
  const written = await readFile(file, "utf8").catch(() => "")
  if (written !== text) {
    console.error("docs/commands.md does not say what the commands are: run `npm run docs`.")
    process.exitCode = 1
  }
} else {
  await mkdir(at("docs"), { recursive: true })
  await writeFile(file, text)
}
