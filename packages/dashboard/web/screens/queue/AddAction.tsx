/** Adds a job to a queue, to see what becomes of it. */
import { useState } from "preact/hooks"
import type { AddAnswer, AddRequest } from "../../../src/api/jobs.js"
import { tell } from "../../api.js"
import { Action } from "../../parts/Action.js"
import { CommandLine } from "../../parts/Copy.js"
import { Visible } from "../../parts/Visible.js"
import { jobAddress } from "../../router.js"
import { command } from "../../text.js"

const times = [
  ["delaySeconds", "Delay", "--delay"],
  ["retrySeconds", "Retry", "--retry"],
  ["ttlSeconds", "TTL", "--ttl"]
] as const

type Times = Partial<Record<(typeof times)[number][0] | "replicate", number>>

export const AddAction = ({ name, onClose }: { readonly name: string; readonly onClose: () => void }) => {
  const [body, setBody] = useState("")
  const [given, setGiven] = useState<Times>({})
  const set = (field: keyof Times, text: string) => {
    const { [field]: _, ...rest } = given
    setGiven(text === "" ? rest : { ...rest, [field]: Number(text) })
  }
  const request: AddRequest = { name, body: { encoding: "text", content: body }, ...given }
  const words = times.flatMap(([field, , option]) => (given[field] === undefined ? [] : [option, `${given[field]}s`]))
  const copies = given.replicate === undefined ? [] : ["--replicate", String(given.replicate)]
  return (
    <Action
      title={
        <>
          Add a test job to <Visible text={name} />
        </>
      }
      deed="Add the job"
      run={async () => {
        const { id } = await tell<AddAnswer>("queue/add", request)
        return {
          title: "The job was added.",
          results: [{ what: id, text: "", isDone: true }],
          more: <a href={jobAddress(id)}>Open the job</a>
        }
      }}
      onClose={onClose}
    >
      <p class="dim">It is a job like any other: a consumer of the queue will take it.</p>
      <label class="field">
        <span>Body</span>
        <textarea rows={5} value={body} spellcheck={false} onInput={(event) => setBody(event.currentTarget.value)} />
      </label>
      <div class="row">
        {times.map(([field, label]) => (
          <label key={field} class="field">
            <span>{label}, s</span>
            <input type="number" min="0" step="1" onInput={(event) => set(field, event.currentTarget.value)} />
          </label>
        ))}
        <label class="field">
          <span>Copies</span>
          <input type="number" min="0" step="1" onInput={(event) => set("replicate", event.currentTarget.value)} />
        </label>
      </div>
      <CommandLine text={command(["add", ...words, ...copies], [name, body])} />
    </Action>
  )
}
