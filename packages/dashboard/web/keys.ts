/** Keys that do something on the whole page, unless something is being typed or a window is open. */

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null

type Handler = () => void

/** Handlers by key; `g q` is two keys after each other. */
export type Keys = Readonly<Record<string, Handler>>

const patience = 1200

export const listen = (keys: Keys): (() => void) => {
  let first = ""
  let since = 0
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    if (isTyping(event.target) || document.querySelector("dialog[open]") !== null) return
    const pair = event.timeStamp - since < patience ? `${first} ${event.key}` : ""
    const handler = keys[pair] ?? keys[event.key]
    first = event.key
    since = event.timeStamp
    if (handler === undefined) return
    event.preventDefault()
    first = ""
    handler()
  }
  document.addEventListener("keydown", onKey)
  return () => document.removeEventListener("keydown", onKey)
}
