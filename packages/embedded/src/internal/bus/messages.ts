import type { JobSnapshot } from "../node/snapshot.js"

/** Whether a ping asks to join a cluster, answers that, or does neither. */
export type Meeting = "ask" | "welcome" | "none"

/** What nodes tell each other. A message arrives or is lost; the sender is not told which. */
export type Message =
  | {
      readonly type: "ping"
      /** "ask" asks the receiver to take in the sender and the nodes that it knows; "welcome" says that the receiver is taken in. */
      readonly meet: Meeting
      readonly leaving: boolean
      /** The nodes that the sender does not hear. */
      readonly failing: ReadonlyArray<string>
      /** The nodes that the sender knows and reaches: the receiver meets those that it does not know. */
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
      /** 0 withdraws a standing request. */
      readonly count: number
      /** Whether a client of the sender waits: then the request stands until it is met or withdrawn. */
      readonly standing: boolean
    }
  | { readonly type: "yourjobs"; readonly jobs: ReadonlyArray<JobSnapshot> }
  | { readonly type: "pause"; readonly queue: string; readonly paused: number }
