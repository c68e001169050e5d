/** `disco aof`: looks after the file of a node on disk. */
import { AppendOnlyFile } from "@disco/embedded"
import * as Effect from "effect/Effect"
import { CliError } from "./CliError.js"
import { counted, count as number } from "./output/format.js"
import { Output } from "./output/Output.js"

/** How many damaged parts are shown. */
const mostShown = 10

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

const shownPath = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`)

/** Tells what is in a file, and fails if it is damaged. */
export const check = (file: string) =>
  Effect.gen(function* () {
    const output = yield* Output
    const report = yield* AppendOnlyFile.check(file)
    yield* output.text(() => summary(file, report))
    const [damage] = report.damaged
    if (damage !== undefined) {
      return yield* new CliError({
        message: `${file} is damaged at byte ${damage.offset}, and ${counted(report.after, "record")} can be read after it: "disco aof fix ${shownPath(file)}" keeps a copy and leaves out the ${counted(lost(report), "byte")} that cannot be read`
      })
    }
    if (report.torn !== undefined) {
      yield* output.text(() => "The next start of a node cuts the torn tail off: nothing is to be done.")
    }
  })

/** Cuts out of a file what cannot be read, and keeps the file as it was beside it. */
export const fix = (file: string) =>
  Effect.gen(function* () {
    const output = yield* Output
    const { copy, found } = yield* AppendOnlyFile.fix(file)
    if (copy === undefined) {
      const state = found.bytes === 0 ? "is empty" : "is whole"
      return yield* output.text(() => `${file} ${state}: nothing was changed`)
    }
    const saved = found.damaged.length === 0 ? "" : `, ${number(found.after)} of them after the damage`
    const stayed = `${counted(found.added + found.deleted, "record")} stayed${saved}.`
    yield* output.text(() =>
      [
        summary(file, found),
        `${counted(lost(found), "byte")} were cut out; ${stayed}`,
        `The file as it was is ${copy}.`,
        ...(found.damaged.length === 0
          ? []
          : ["A job whose record was cut out is lost, and a deleted job whose deletion was cut out comes back."])
      ].join("\n")
    )
  })
