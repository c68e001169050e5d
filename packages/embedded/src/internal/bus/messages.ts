import type { JobSnapshot } from "../node/snapshot.js"

/** What a ping has to do with meeting. */
export type Meeting = "ask" | "welcome" | "none"

/** What nodes tell each other. A message arrives or is lost; nobody hears of it. */
export type Message =
  | {
      readonly type: "ping"
      /** Whether the receiver is asked to let the sender, and those it knows, into its cluster, or is told that it is in. */
      readonly meet: Meeting
      readonly leaving: boolean
      /** The nodes that the sender does not hear. */
      readonly failing: ReadonlyArray<string>
      /** The nodes that the sender knows. */
      readonly known: ReadonlyArray<string>
    }
  | { readonly type: "fail"; readonly about: string }
  | { readonly type: "repljob"; readonly job: JobSnapshot; readonly confirm: boolean }
  | { readonly type: "gotjob"; readonly id: string }
  | { readonly type: "setack"; readonly id: string; readonly holders: number }
  | { readonly type: "gotack"; readonly id: string; readonly known: boolean }
  | { readonly type: "deljob"; readonly id: string }
  | { readonly type: "enqueue"; readonly id: string; readonly delay: number }
  | { readonly type: "queued"; readonly id: string; readonly because: "nack" | "delivery" | null }
  | { readonly type: "working"; readonly id: string }
  | { readonly type: "willqueue"; readonly id: string }
  | {
      readonly type: "needjobs"
      readonly queue: string
      /** 0 takes a standing request back. */
      readonly count: number
      /** Whether a client of the sender waits: the request stands until it is met or taken back. */
      readonly standing: boolean
    }
  | { readonly type: "yourjobs"; readonly jobs: ReadonlyArray<JobSnapshot> }
  | { readonly type: "pause"; readonly queue: string; readonly paused: number }
