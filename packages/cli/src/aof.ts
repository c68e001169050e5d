/** `disco aof`: looks after the file of a node on disk. */
import { AppendOnlyFile } from "@disco/embedded"
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { CliError } from "./CliError.js"

/** How many damaged parts are shown. */
const mostShown = 10

const number = (count: number): string => count.toLocaleString("en-US")

const counted = (count: number, unit: string): string => `${number(count)} ${unit}${count === 1 ? "" : "s"}`

const summary = (file: string, { added, bytes, damaged, deleted, live, torn }: AppendOnlyFile.Report): string => {
  const parts = damaged.slice(0, mostShown).map(({ length, offset, reason }) => {
    const what = reason.replaceAll("\n", " ")
    return `  damaged    ${counted(length, "byte")} from byte ${offset} on: ${what}`
  })
  if (damaged.length > mostShown) parts.push(`             and ${number(damaged.length - mostShown)} other parts`)
  if (torn !== undefined) {
    parts.push(
      `  torn tail  ${counted(torn.length, "byte")} from byte ${torn.offset} on: the beginning of a record that was being written`
    )
  }
  if (bytes === 0) return `${file} is empty: it has no records`
  const state = damaged.length > 0 ? "is damaged" : torn === undefined ? "is whole" : "has a torn tail"
  return [
    `${file} ${state}`,
    `  size       ${counted(bytes, "byte")}`,
    `  records    ${number(added + deleted)}: ${counted(added, "job")} added, ${number(deleted)} deleted`,
    `  live jobs  ${number(live)}`,
    ...parts
  ].join("\n")
}

/** How many bytes hold no whole record. */
const lost = ({ damaged, torn }: AppendOnlyFile.Report): number =>
  damaged.reduce((sum, { length }) => sum + length, torn?.length ?? 0)

const file = Args.text({ name: "file" }).pipe(Args.withDescription("An append-only file, disque.aof"))

const shownPath = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`)

const check = Command.make("check", { file }, ({ file }) =>
  Effect.gen(function* () {
    const report = yield* AppendOnlyFile.check(file)
    yield* Console.log(summary(file, report))
    const [damage] = report.damaged
    if (damage !== undefined) {
      return yield* new CliError({
        message: `${file} is damaged at byte ${damage.offset}, and ${counted(report.after, "record")} can be read after it: "disco aof fix ${shownPath(file)}" keeps a copy and leaves out the ${counted(lost(report), "byte")} that cannot be read`
      })
    }
    if (report.torn !== undefined)
      yield* Console.log("The next start of a node cuts the torn tail off: nothing is to be done.")
  })
).pipe(
  Command.withDescription("Tell what is in an append-only file, and whether it is whole (status 1 if it is damaged)")
)

const fix = Command.make("fix", { file }, ({ file }) =>
  Effect.gen(function* () {
    const { copy, found } = yield* AppendOnlyFile.fix(file)
    if (copy === undefined) {
      yield* Console.log(`${file} ${found.bytes === 0 ? "is empty" : "is whole"}: nothing was changed`)
      return
    }
    const saved = found.damaged.length === 0 ? "" : `, ${number(found.after)} of them after the damage`
    yield* Console.log(
      [
        summary(file, found),
        `${counted(lost(found), "byte")} were cut out; ${counted(found.added + found.deleted, "record")} stayed${saved}.`,
        `The file as it was is ${copy}.`
      ].join("\n")
    )
    if (found.damaged.length > 0) {
      yield* Console.log(
        "A job whose record was cut out is lost, and a deleted job whose deletion was cut out comes back."
      )
    }
  })
).pipe(
  Command.withDescription(
    "Cut out of an append-only file what cannot be read, and keep the file as it was beside it; end the node before"
  )
)

export const aof = Command.make("aof").pipe(
  Command.withDescription("Check and fix the file in which a node keeps its jobs"),
  Command.withSubcommands([check, fix])
)
