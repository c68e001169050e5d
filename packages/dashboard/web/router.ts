/** The address of each screen: behind the #, so that the page works under any path. */
import { computed, signal } from "@preact/signals"

export type Screen = "queues" | "queue" | "job" | "cluster" | "workers" | "dead" | "unknown"

export interface Place {
  readonly screen: Screen
  /** The name of the queue, or the id of the job. */
  readonly subject: string
  readonly query: Readonly<Record<string, string>>
}

const screens: Readonly<Record<string, Screen>> = {
  "": "queues",
  queues: "queues",
  queue: "queue",
  job: "job",
  cluster: "cluster",
  workers: "workers",
  dead: "dead"
}

/** Reads what is behind the # of an address. */
export const placeOf = (hash: string): Place => {
  const [path = "", search = ""] = hash.replace(/^#?\/?/, "").split("?", 2)
  const query = Object.fromEntries(new URLSearchParams(search))
  const screen = (Object.hasOwn(screens, path) ? screens[path] : undefined) ?? "unknown"
  const subject = screen === "queue" ? query.name : screen === "job" ? query.id : ""
  return subject === undefined ? { screen: "unknown", subject: "", query } : { screen, subject, query }
}

const withQuery = (path: string, query: Readonly<Record<string, string | undefined>>): string => {
  const given = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1])
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`
}

export const queuesAddress = (query: Readonly<Record<string, string | undefined>> = {}): string =>
  withQuery("#/queues", query)
export const queueAddress = (name: string): string => withQuery("#/queue", { name })
export const jobAddress = (id: string): string => withQuery("#/job", { id })
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
  // The page is on its way to another screen, which has filters of its own.
  if (location.hash !== hash.value) return
  const [path = ""] = location.hash.split("?", 1)
  const address = withQuery(path === "" ? "#/queues" : path, { ...place.value.query, ...change })
  history.replaceState(null, "", address)
  hash.value = location.hash
}
