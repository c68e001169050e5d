/** What is the matter with queues and nodes, in one word. */
import type { Badge } from "../../src/api/queues.js"
import type { JobState, Pause } from "../../src/api/values.js"

const tones: Readonly<Record<Badge, string>> = {
  "no consumers": "bad",
  "partly paused": "warn",
  paused: "",
  growing: "warn"
}

export const Badges = ({ badges, place = "" }: { readonly badges: ReadonlyArray<Badge>; readonly place?: string }) =>
  badges.length === 0 ? null : (
    <span class={`badges ${place}`}>
      {badges.map((badge) => (
        <span key={badge} class={`badge ${tones[badge]}`}>
          {badge}
        </span>
      ))}
    </span>
  )

export const pauseWords: Readonly<Record<Pause, string>> = {
  none: "not paused",
  in: "in",
  out: "out",
  all: "in and out"
}

export const stateTone: Readonly<Record<JobState, string>> = {
  queued: "",
  active: "warn",
  "wait-repl": "warn",
  acked: "good"
}

export const stateWords: Readonly<Record<JobState, string>> = {
  queued: "queued",
  active: "active",
  "wait-repl": "waits for copies",
  acked: "acknowledged"
}
