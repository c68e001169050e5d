/** Enqueues, nacks, acknowledges or deletes a job. */
import type { JobChange, JobsAnswer, JobsRequest } from "../../../src/api/jobs.js"
import { tell } from "../../api.js"
import { Action } from "../../parts/Action.js"
import { CommandLine } from "../../parts/Copy.js"
import { command } from "../../text.js"

interface Deed {
  readonly title: string
  readonly deed: string
  readonly means: string
  readonly words: ReadonlyArray<string>
  readonly isDangerous?: boolean
}

const deeds: Readonly<Record<JobChange, Deed>> = {
  enqueue: {
    title: "Enqueue the job",
    deed: "Enqueue",
    means:
      "It waits in its queue again, and is delivered as soon as a consumer asks. If it is being worked on, it is delivered twice.",
    words: ["enqueue"]
  },
  nack: {
    title: "Nack the job",
    deed: "Nack",
    means:
      "It is put back as if its consumer had failed: it waits in its queue again, with one more nack. If it is being worked on, it is delivered twice.",
    words: ["nack"]
  },
  acknowledge: {
    title: "Acknowledge the job",
    deed: "Acknowledge",
    means: "It counts as done, on every node: it is never delivered again, whether or not it was worked on.",
    words: ["ack", "--yes"],
    isDangerous: true
  },
  delete: {
    title: "Delete the job",
    deed: "Delete",
    means:
      "It is gone from every node that answers, whether or not it was worked on. A node that does not answer may still deliver its copy.",
    words: ["delete", "--yes"],
    isDangerous: true
  }
}

interface Props {
  readonly change: JobChange
  readonly id: string
  readonly queue: string | null
  readonly onClose: () => void
}

export const JobAction = ({ change, id, onClose, queue }: Props) => {
  const { deed, isDangerous = false, means, title, words } = deeds[change]
  const request: JobsRequest = { change, ids: [id] }
  return (
    <Action
      title={title}
      deed={deed}
      isDangerous={isDangerous}
      typed={isDangerous ? (queue ?? id) : undefined}
      run={async () => {
        const { jobs } = await tell<JobsAnswer>("jobs", request)
        const isDone = jobs.every(({ outcome }) => outcome === "done")
        return {
          title: isDone ? "Done." : "It was not done.",
          results: jobs.map(({ id, outcome, text }) => ({ what: id, text, isDone: outcome === "done" }))
        }
      }}
      onClose={onClose}
    >
      <p class="mono">{id}</p>
      <p class="dim">{means}</p>
      <CommandLine text={command(words, [id])} />
    </Action>
  )
}
