/** Whether the screen is that of a phone: the same width as in the styles. */
import { signal } from "@preact/signals"

const query = matchMedia("(max-width: 760px)")
const matches = signal(query.matches)
query.addEventListener("change", () => {
  matches.value = query.matches
})

export const isNarrow = (): boolean => matches.value
