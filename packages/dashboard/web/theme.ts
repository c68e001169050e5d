/** Light or dark: as the system says, or as the viewer chose on this machine. */
import { effect, signal } from "@preact/signals"

export type Theme = "system" | "light" | "dark"

const key = "disco.theme"
const order: ReadonlyArray<Theme> = ["system", "light", "dark"]

const stored = (): Theme => {
  try {
    return order.find((each) => each === localStorage.getItem(key)) ?? "system"
  } catch {
    return "system" // storage can be forbidden
  }
}

export const theme = signal(stored())

effect(() => {
  document.documentElement.dataset.theme = theme.value
})

export const nextTheme = (): void => {
  const next = order[(order.indexOf(theme.value) + 1) % order.length] ?? "system"
  theme.value = next
  try {
    localStorage.setItem(key, next)
  } catch {
    // it holds until the page is left
  }
}

const scheme = matchMedia("(prefers-color-scheme: dark)")
const isSystemDark = signal(scheme.matches)
scheme.addEventListener("change", () => {
  isSystemDark.value = scheme.matches
})

/** Which colors are shown. What draws by itself looks at this to draw anew. */
export const shownTheme = (): "light" | "dark" =>
  theme.value === "system" ? (isSystemDark.value ? "dark" : "light") : theme.value
