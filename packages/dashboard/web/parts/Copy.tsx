/** Something to take along: the command that shows or does the same, an id. */
import { useEffect, useState } from "preact/hooks"

export const CopyButton = ({ label, text }: { readonly text: string; readonly label: string }) => {
  const [state, setState] = useState<"" | "copied" | "failed">("")
  useEffect(() => {
    if (state === "") return
    const timer = setTimeout(() => setState(""), 1500)
    return () => clearTimeout(timer)
  }, [state])
  const copy = () =>
    // Browsers allow this on HTTPS and on this machine alone.
    (navigator.clipboard?.writeText(text) ?? Promise.reject(new Error("no clipboard"))).then(
      () => setState("copied"),
      () => setState("failed")
    )
  return (
    <button type="button" class="ghost small" aria-label={label} onClick={copy}>
      <span aria-live="polite">{state === "copied" ? "Copied" : state === "failed" ? "Not allowed here" : "Copy"}</span>
    </button>
  )
}

/** A command line for a terminal. */
export const CommandLine = ({ text }: { readonly text: string }) => (
  <div class="command">
    <span class="dim" aria-hidden="true">
      $
    </span>
    <code>{text}</code>
    <CopyButton text={text} label={`Copy the command: ${text}`} />
  </div>
)
