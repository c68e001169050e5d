/** Adds jobs that were given up to their queue again, or deletes them. */
import { useState } from "preact/hooks"
import type { DeadAnswer, DeadSelection } from "../../../src/api/workers.js"
import { tell } from "../../api.js"
import { count, counted } from "../../format.js"
import { Action } from "../../parts/Action.js"
import { CommandLine } from "../../parts/Copy.js"
import { Visible } from "../../parts/Visible.js"
import { command } from "../../text.js"

interface Props {
  readonly deed: "redrive" | "purge"
  readonly selection: DeadSelection
  /** How many letters are meant, as far as it is known. */
  readonly letters: number
  readonly onClose: () => void
}

const commandOf = (deed: Props["deed"], selection: DeadSelection): string => {
  const ids = "ids" in selection ? selection.ids : []
  const where = "all" in selection ? (selection.reason ?? selection.search) : undefined
  return command(
    ["dead", deed, ...(where === undefined ? [] : ["--where", where]), ...(deed === "purge" ? ["--yes"] : [])],
    [selection.queue, ...ids]
  )
}

/** One request does a thousand letters: asks until all are done. */
const doAll = async (
  { deed, selection }: Pick<Props, "deed" | "selection">,
  onProgress: (done: number) => void
): Promise<number> => {
  let done = 0
  for (;;) {
    const { count, mayHaveMore } = await tell<DeadAnswer>(`dead/${deed}`, selection)
    done += count
    onProgress(done)
    if (!mayHaveMore || count === 0) return done
  }
}

const doneText = (deed: Props["deed"], done: number): string =>
  deed === "redrive"
    ? `${counted(done, "job is", "jobs are")} in the queue again.`
    : `${counted(done, "letter was", "letters were")} deleted, with the jobs in them.`

export const DeadAction = ({ deed, letters, onClose, selection }: Props) => {
  const [progress, setProgress] = useState(0)
  const { queue } = selection
  const isFiltered = "all" in selection && (selection.reason !== undefined || selection.search !== undefined)
  const which =
    "ids" in selection
      ? counted(letters, "letter")
      : isFiltered
        ? `all letters that fit (${count(letters)} or more)`
        : `all letters (${count(letters)} now)`
  return (
    <Action
      title={
        <>
          {deed === "redrive" ? "Redrive" : "Purge"} dead letters of <Visible text={queue} />
        </>
      }
      deed={deed === "redrive" ? "Redrive" : "Purge"}
      isDangerous={deed === "purge"}
      typed={deed === "purge" ? queue : undefined}
      run={async () => {
        const done = await doAll({ deed, selection }, setProgress)
        return { title: doneText(deed, done), results: [] }
      }}
      onClose={onClose}
    >
      <p>
        {deed === "redrive"
          ? `The jobs in ${which} are added to their queue again, with no attempts.`
          : `This deletes ${which}, and the jobs in them. It cannot be undone.`}
      </p>
      {progress > 0 && <p role="status">{counted(progress, "letter")} so far</p>}
      <CommandLine text={commandOf(deed, selection)} />
    </Action>
  )
}
