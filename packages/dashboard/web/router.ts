/** The address of each screen: behind the #, so that the page works under any path. */
import { computed, signal } from "@preact/signals"

export type Screen = "queues" | "queue" | "job" | "cluster" | "workers" | "dead" | "unknown"

export interface Place {
  readonly screen: Screen
  /** The name of the queue, or the id of the job. */
  readonly subject: string
  readonly query: Readonly<Record<string, string>>
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const screens: Readonly<Record<string, Screen>> = {
  "": "queues",
  queues: "queues",
  cluster: "cluster",
  workers: "workers",
  dead: "dead"
}

/** Reads what is behind the # of an address. */
export const placeOf = (hash: string): Place => {
  const [path = "", search = ""] = hash.replace(/^#?\/?/, "").split("?", 2)
  const query = Object.fromEntries(new URLSearchParams(search))
  const [first = "", ...rest] = path.split("/")
  const subject = decoded(rest.join("/"))
  if (first === "queue" || first === "job") return { screen: first, subject, query }
  return { screen: subject === "" ? (screens[first] ?? "unknown") : "unknown", subject: "", query }
}

const withQuery = (path: string, query: Readonly<Record<string, string | undefined>>): string => {
  const given = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1])
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`
}

export const queuesAddress = (query: Readonly<Record<string, string | undefined>> = {}): string =>
  withQuery("#/queues", query)
export const queueAddress = (name: string, query: Readonly<Record<string, string | undefined>> = {}): string =>
  withQuery(`#/queue/${encodeURIComponent(name)}`, query)
export const jobAddress = (id: string): string => `#/job/${encodeURIComponent(id)}`
export const deadAddress = (query: Readonly<Record<string, string | undefined>> = {}): string =>
  withQuery("#/dead", query)
export const workersAddress = (query: Readonly<Record<string, string | undefined>> = {}): string =>
  withQuery("#/workers", query)
export const clusterAddress = "#/cluster"

const hash = signal(location.hash)
addEventListener("hashchange", () => {
  hash.value = location.hash
})

/** Where the page is. */
export const place = computed(() => placeOf(hash.value))

export const go = (address: string): void => {
  location.hash = address
}

/** Changes the filters of the screen in its address, without a step in the history. */
export const refine = (change: Readonly<Record<string, string | undefined>>): void => {
  const [path = ""] = location.hash.split("?", 1)
  const address = withQuery(path === "" ? "#/queues" : path, { ...place.value.query, ...change })
  history.replaceState(null, "", address)
  hash.value = address
}
