/** What is beside every screen: where to go, and whether what is shown is live. */
import { session, signOut } from "../api.js"
import { age } from "../format.js"
import { link, status } from "../live.js"
import { clusterAddress, deadAddress, place, queuesAddress, type Screen, workersAddress } from "../router.js"
import { nextTheme, theme } from "../theme.js"
import { useNow } from "./useNow.js"

const links: ReadonlyArray<readonly [string, string, ReadonlyArray<Screen>]> = [
  ["Queues", queuesAddress(), ["queues", "queue", "job"]],
  ["Workers", workersAddress(), ["workers"]],
  ["Dead letters", deadAddress(), ["dead"]],
  ["Cluster", clusterAddress, ["cluster"]]
]

const Live = () => {
  const { since, state } = link.value
  const now = useNow()
  const cluster = status.value
  const [tone, text] =
    state === "lost"
      ? ["bad", `no connection for ${age(Math.max(0, now - since) / 1000)}`]
      : state === "connecting" || cluster === undefined || cluster.state === "starting"
        ? ["", "connecting…"]
        : cluster.state === "down"
          ? ["bad", "no node answers"]
          : cluster.state === "partly"
            ? [
                "warn",
                `live, ${cluster.nodes.filter(({ isAnswering }) => !isAnswering).length} of ${cluster.nodes.length} nodes silent`
              ]
            : ["good", `live, ${cluster.nodes.length} ${cluster.nodes.length === 1 ? "node" : "nodes"}`]
  return (
    <p class="live">
      <span class={`dot ${tone}`} aria-hidden="true" />
      <span>{text}</span>
    </p>
  )
}

const themeWords = { system: "as the system", light: "light", dark: "dark" } as const
const themeFill = { system: "M8 2a6 6 0 0 1 0 12z", light: "", dark: "M8 2a6 6 0 1 1 0 12a6 6 0 1 1 0-12z" } as const

/** A disc that is empty, full, or half of each. */
const ThemeMark = () => (
  <svg class="theme-mark" viewBox="0 0 16 16" aria-hidden="true">
    <circle cx="8" cy="8" r="6" />
    <path d={themeFill[theme.value]} />
  </svg>
)

export const Side = ({ onHelp }: { readonly onHelp: () => void }) => {
  const { screen } = place.value
  const who = session.value
  return (
    <header class="side">
      <a class="brand" href={queuesAddress()}>
        <img src="./icon.svg" alt="" width="20" height="20" />
        Disco
      </a>
      <nav aria-label="Screens">
        <ul>
          {links.map(([label, address, screens]) => (
            <li key={label}>
              <a href={address} {...(screens.includes(screen) ? { "aria-current": "page" as const } : {})}>
                {label}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="side-foot">
        <Live />
        {who?.isReadOnly === true && (
          <span class="badge" title="This dashboard changes nothing">
            read-only
          </span>
        )}
        <div class="side-tools">
          <button
            type="button"
            class="ghost small icon"
            aria-label={`Theme: ${themeWords[theme.value]}`}
            title={`Theme: ${themeWords[theme.value]} (t)`}
            onClick={nextTheme}
          >
            <ThemeMark />
          </button>
          <button
            type="button"
            class="ghost small icon"
            aria-label="Keys and help"
            title="Keys and help (?)"
            onClick={onHelp}
          >
            ?
          </button>
          {who?.needsPassword === true && (
            <button type="button" class="ghost small" onClick={() => void signOut().catch(() => undefined)}>
              Sign out
            </button>
          )}
        </div>
      </div>
    </header>
  )
}
