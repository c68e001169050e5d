/**
 * Something that is changed: asked for in a window, confirmed by typing a name where it cannot be undone, and reported there with
 * what each node or job answered.
 */
import type { ComponentChildren } from "preact"
import { useEffect, useRef, useState } from "preact/hooks"
import { messageOf, Refusal } from "../api.js"
import { printable } from "../text.js"
import { Dialog } from "./Dialog.js"
import { Visible } from "./Visible.js"

/** What became of one part of a change. */
export interface Result {
  readonly what: string
  readonly text: string
  readonly isDone: boolean
}

export interface Outcome {
  readonly title: string
  readonly results: ReadonlyArray<Result>
  readonly more?: ComponentChildren
}

interface Props {
  readonly title: ComponentChildren
  readonly children?: ComponentChildren
  /** What the button that does it says. */
  readonly deed: string
  readonly isDangerous?: boolean
  /** What is to be typed before it can be done. */
  readonly typed?: string | undefined
  readonly isReady?: boolean
  readonly run: () => Promise<Outcome>
  readonly onClose: () => void
}

const failureOf = (error: unknown): Outcome => ({
  title: messageOf(error),
  results:
    error instanceof Refusal
      ? [
          ...error.done.map((node) => ({ what: node, text: "done", isDone: true })),
          ...error.failures.map(({ message, node }) => ({ what: node, text: message, isDone: false }))
        ]
      : []
})

const Report = ({ isFailed, onClose, outcome }: { outcome: Outcome; isFailed: boolean; onClose: () => void }) => {
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => button.current?.focus(), [])
  return (
    <div class="form">
      <p role="status" class={isFailed ? "bad" : "good"}>
        <Visible text={outcome.title} />
      </p>
      {outcome.results.length > 0 && (
        <ul class="outcome">
          {outcome.results.map(({ isDone, text, what }) => (
            <li key={what}>
              <span class={isDone ? "good" : "bad"}>
                <span aria-hidden="true">{isDone ? "✓" : "✗"}</span>
                <span class="hidden-text">{isDone ? "done" : "failed"}</span>
              </span>
              <span class="mono">
                <Visible text={what} />
              </span>
              <span class="dim">
                <Visible text={text} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {outcome.more}
      <div class="buttons">
        <button ref={button} type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </div>
  )
}

export const Action = ({ children, deed, isDangerous = false, isReady = true, onClose, run, title, typed }: Props) => {
  const [text, setText] = useState("")
  const [isRunning, setRunning] = useState(false)
  const [outcome, setOutcome] = useState<Outcome & { readonly isFailed: boolean }>()
  // What cannot be typed is typed as it is shown.
  const wanted = typed === undefined ? undefined : printable(typed)
  const canRun = isReady && !isRunning && (wanted === undefined || text === wanted || text === typed)
  const submit = (event: Event) => {
    event.preventDefault()
    if (!canRun) return
    setRunning(true)
    run()
      .then(
        (done) => setOutcome({ ...done, isFailed: done.results.some(({ isDone }) => !isDone) }),
        (error: unknown) => setOutcome({ ...failureOf(error), isFailed: true })
      )
      .finally(() => setRunning(false))
  }
  return (
    <Dialog title={title} onClose={onClose}>
      {outcome !== undefined ? (
        <Report outcome={outcome} isFailed={outcome.isFailed} onClose={onClose} />
      ) : (
        <form class="form" onSubmit={submit}>
          {children}
          {wanted !== undefined && (
            <label class="field">
              <span>
                Type <b class="mono">{wanted}</b> to confirm
              </span>
              <input
                type="text"
                value={text}
                autocomplete="off"
                spellcheck={false}
                onInput={(event) => setText(event.currentTarget.value)}
              />
            </label>
          )}
          <div class="buttons">
            <button type="button" onClick={onClose}>
              Cancel
            </button>
            <button type="submit" class={isDangerous ? "primary danger" : "primary"} disabled={!canRun}>
              {isRunning ? "Working…" : deed}
            </button>
          </div>
        </form>
      )}
    </Dialog>
  )
}
