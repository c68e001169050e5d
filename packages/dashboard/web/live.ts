/**
 * What the server pushes. One stream is open at a time, that of the screen, and none while nobody looks: browsers allow few
 * connections to one host. A stream that broke is opened again, later each time, and the page says so meanwhile.
 */
import { signal } from "@preact/signals"
import { useEffect, useState } from "preact/hooks"
import type { End, Updates } from "../src/api/events.js"
import type { Status } from "../src/api/status.js"
import { address, ask, messageOf, type Params, Refusal, refreshSession } from "./api.js"

/** Whether the cluster answers, as the server last said. */
export const status = signal<Status | undefined>(undefined)

export interface Link {
  readonly state: "connecting" | "open" | "lost"
  /** When it became so, by the clock of the browser. */
  readonly since: number
  /** Why the stream is lost, if the server said so. */
  readonly why: string | undefined
}

const linkOf = (state: Link["state"], why?: string): Link => ({ state, since: Date.now(), why })

/** The stream of the screen. */
export const link = signal(linkOf("connecting"))

const setLink = (state: Link["state"], why?: string): void => {
  const { value } = link
  if (value.state === state && value.why === why) return
  link.value = value.state === state ? { ...value, why } : linkOf(state, why)
}

/** How far the clock of the server is ahead of that of the browser. */
let ahead = 0

/** The time of the server, in milliseconds since 1970. */
export const serverNow = (): number => Date.now() + ahead

const firstPause = 500
const longestPause = 5000
/** The server says something every 15 seconds at least. */
const longestSilence = 40_000
/** How long nobody has to look before the stream is closed. */
const awayAfter = 30_000

/** Opens a stream and keeps it open; gives what ends it. */
const follow = (stream: keyof Updates, params: Params, onUpdate: (data: unknown) => void): (() => void) => {
  let source: EventSource | undefined
  let pause = firstPause
  let isOver = false
  let again: ReturnType<typeof setTimeout> | undefined
  let silence: ReturnType<typeof setTimeout> | undefined
  let away: ReturnType<typeof setTimeout> | undefined

  const close = () => {
    clearTimeout(again)
    clearTimeout(silence)
    source?.close()
    source = undefined
  }
  const heard = () => {
    clearTimeout(silence)
    silence = setTimeout(broken, longestSilence)
    pause = firstPause
    setLink("open")
  }
  const retry = (why?: string) => {
    close()
    if (isOver) return
    setLink("lost", why)
    again = setTimeout(open, pause)
    pause = Math.min(pause * 2, longestPause)
  }
  // EventSource does not tell why it failed: the answer itself does.
  const broken = () => {
    close()
    ask<unknown>(stream, params).then(
      () => retry(),
      (error: unknown) => retry(error instanceof Refusal && error.tag !== "Network" ? messageOf(error) : undefined)
    )
  }
  const open = () => {
    close()
    if (isOver) return
    source = new EventSource(address(`events/${stream}`, params))
    source.onerror = broken
    source.addEventListener("open", heard)
    source.addEventListener("update", ({ data }) => {
      heard()
      onUpdate(JSON.parse(data))
    })
    source.addEventListener("status", ({ data }) => {
      heard()
      const next: Status = JSON.parse(data)
      ahead = next.now - Date.now()
      status.value = next
    })
    source.addEventListener("end", ({ data }) => {
      const { reason }: End = JSON.parse(data)
      if (reason === "session") refreshSession().catch(() => undefined)
      retry()
    })
  }
  const look = () => {
    clearTimeout(away)
    if (document.visibilityState === "hidden") away = setTimeout(close, awayAfter)
    else if (source === undefined) open()
  }

  document.addEventListener("visibilitychange", look)
  open()
  return () => {
    isOver = true
    document.removeEventListener("visibilitychange", look)
    clearTimeout(away)
    close()
  }
}

/** The last update of a stream, and the parameters that it is for: those of before, until the first update for the new ones. */
export interface Live<A, P> {
  readonly data: A | undefined
  readonly params: P | undefined
}

/** Follows a stream while the component is shown. */
export const useLive = <K extends keyof Updates, P extends Params>(stream: K, params: P): Live<Updates[K], P> => {
  const [live, setLive] = useState<Live<Updates[K], P>>({ data: undefined, params: undefined })
  const key = JSON.stringify(params)
  useEffect(() => follow(stream, params, (data) => setLive({ data: data as Updates[K], params })), [stream, key])
  return live
}
