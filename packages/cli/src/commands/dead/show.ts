/** `disco dead show`. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { onCluster } from "../../command/Command.js"
import * as option from "../../command/parameters.js"
import { type BodyForm, bodyText, formOf } from "../../jobs/bodies.js"
import { fields } from "../../jobs/fields.js"
import { ago, chosen, contentOf, fieldsOf, LetterFields, reasonPaint } from "../../jobs/letters.js"
import { bodyForm, deadQueue } from "../../jobs/options.js"
import { age, counted, size } from "../../output/format.js"
import { Output } from "../../output/Output.js"
import { paints, type Style } from "../../output/style.js"
import { printable } from "../../output/text.js"
import * as read from "../../readers.js"

const span = (seconds: number | null): string => (seconds === null ? "not known" : age(Duration.seconds(seconds)))

const text = (letter: LetterFields, content: Uint8Array, form: BodyForm, now: number, style: Style): string => {
  const { bold } = paints(style)
  const { additionalDeliveries, addedAt, attempts, crashes, error, firstAt, id, jobId, lastAt, nacks, queue } = letter
  const time = (at: string) => `${printable(at)}, ${ago(at, now)}`
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["job", jobId],
    ["queue", printable(queue)],
    ["reason", reasonPaint(letter.reason, style)(letter.reason ?? "given up")],
    ["error", printable(error ?? "none")],
    ["attempts", counted(attempts, "attempt")],
    ["put back", `${counted(nacks, "time")} by NACK, ${counted(additionalDeliveries, "time")} otherwise`],
    ["crashes", counted(crashes, "crash", "crashes")],
    ["added", addedAt === null ? "not known" : time(addedAt)],
    ["failed", `${time(firstAt)}, first`],
    ["", `${time(lastAt)}, last`],
    ["retry", span(letter.retry)],
    ["ttl", span(letter.ttl)],
    ["body", `${size(content.length)}${content.length === 0 ? "" : `, ${formOf(content, form)}`}`]
  ]
  return [
    bold(id),
    fields(rows, style),
    ...(content.length === 0 ? [] : ["", bodyText(content, form, style)]),
    ""
  ].join("\n")
}

export const show = onCluster({
  name: "show",
  summary: "Show all that is known of jobs that were given up",
  args: {
    queue: deadQueue,
    ids: option.someArguments("ID", read.jobId, "The id of a letter, or of the job that was given up.")
  },
  options: {
    as: bodyForm
  },
  output: LetterFields,
  isStream: true,
  examples: [["disco dead show emails D-dcb833cf-8YL1NT17e9+wsA/09NqxscQI-05a1", "one letter, with its body"]],
  statuses: { 1: "There is no such letter." },
  run: ({ as: form, ids, queue }) =>
    Effect.gen(function* () {
      const output = yield* Output
      const now = yield* Clock.currentTimeMillis
      const letters = yield* chosen(queue, { ids, limit: undefined, where: undefined })
      for (const letter of letters) {
        const shown = fieldsOf(letter)
        yield* output.item(LetterFields, shown, (style) => text(shown, contentOf(letter), form, now, style))
      }
      const missing = ids.filter((id) => !letters.some((entry) => entry.id === id || entry.letter.id === id))
      for (const id of missing) yield* output.note(`disco: ${id} is not in ${printable(queue)}.dead`)
      return missing.length > 0 ? 1 : 0
    })
})
