/** Letters: what happened to each job, and what is in it. */
import { useState } from "preact/hooks"
import type { DeadLetter } from "../../../src/api/workers.js"
import { age, counted, moment } from "../../format.js"
import { serverNow } from "../../live.js"
import { Content } from "../../parts/Content.js"
import { CommandLine } from "../../parts/Copy.js"
import { Pairs } from "../../parts/Figures.js"
import { Visible } from "../../parts/Visible.js"
import { jobAddress } from "../../router.js"
import { command, cut } from "../../text.js"

interface Props {
  readonly letters: ReadonlyArray<DeadLetter>
  readonly chosen: ReadonlySet<string>
  readonly onChoose: ((chosen: ReadonlySet<string>) => void) | undefined
}

const tone = { failed: "warn", crashed: "bad", undecodable: "" } as const

const ago = (at: number): string => `${age(Math.max(0, serverNow() - at) / 1000)} ago`

const time = (at: number | null): string => (at === null ? "not known" : `${moment(at)} UTC, ${ago(at)}`)

const Details = ({ letter }: { readonly letter: DeadLetter }) => (
  <div class="letter">
    <Pairs
      rows={[
        [
          "Error",
          letter.error === null ? (
            <span class="dim">none was reported</span>
          ) : (
            <Visible text={letter.error} keep={"\n"} />
          )
        ],
        [
          "Tried",
          [
            counted(letter.attempts, "attempt"),
            counted(letter.nacks, "nack"),
            counted(letter.additionalDeliveries, "more delivery", "more deliveries")
          ].join(", ")
        ],
        ["Added", time(letter.addedAt)],
        ["Failed first", time(letter.firstAt)],
        ["Failed last", time(letter.lastAt)],
        ["Job", <span class="mono">{letter.jobId}</span>],
        [
          "Letter",
          <a class="mono" href={jobAddress(letter.id)}>
            {letter.id}
          </a>
        ]
      ]}
    />
    <Content body={letter.body} />
    <CommandLine text={command(["dead", "show"], [letter.queue, letter.id])} />
  </div>
)

const Line = ({ chosen, letter, onChoose }: Pick<Props, "chosen" | "onChoose"> & { readonly letter: DeadLetter }) => {
  const [isOpen, setOpen] = useState(false)
  const toggle = (isChosen: boolean) => {
    const next = new Set(chosen)
    if (isChosen) next.add(letter.id)
    else next.delete(letter.id)
    onChoose?.(next)
  }
  return (
    <li>
      <div class="letter-line">
        {onChoose !== undefined && (
          <input
            type="checkbox"
            aria-label={`Choose the letter ${letter.id}`}
            checked={chosen.has(letter.id)}
            onChange={(event) => toggle(event.currentTarget.checked)}
          />
        )}
        <button type="button" class="letter-toggle" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <span class="chevron" aria-hidden="true" />
          <span class={`badge ${letter.reason === null ? "" : tone[letter.reason]}`}>
            {letter.reason ?? "given up"}
          </span>
          <span class="letter-error">
            <Visible text={cut(letter.error ?? letter.jobId, 160)} />
          </span>
          <span class="dim nowrap">{counted(letter.attempts, "attempt")}</span>
          <span class="dim nowrap letter-age">{letter.lastAt === null ? "" : ago(letter.lastAt)}</span>
        </button>
      </div>
      {isOpen && <Details letter={letter} />}
    </li>
  )
}

export const LetterList = ({ chosen, letters, onChoose }: Props) => {
  const isAll = letters.every(({ id }) => chosen.has(id))
  return (
    <>
      {onChoose !== undefined && (
        <label class="check choose-all">
          <input
            type="checkbox"
            checked={isAll}
            onChange={() => onChoose(new Set(isAll ? [] : letters.map(({ id }) => id)))}
          />
          Choose all that are shown
        </label>
      )}
      <ul class="letters">
        {letters.map((letter) => (
          <Line key={letter.id} letter={letter} chosen={chosen} onChoose={onChoose} />
        ))}
      </ul>
    </>
  )
}
