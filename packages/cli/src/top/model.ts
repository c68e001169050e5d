/** What `disco top` knows and shows. */
import type { Cluster, Job, PauseState } from "@disco/core"
import type { Size } from "../screen/paint.js"
import type { Row, Sort } from "./rows.js"

/** A list of which a part is seen, and the row that keys are about. The row is named, so that it stays the same when rows move. */
export interface Cursor {
  readonly selected: string | undefined
  /** The first row that is seen. */
  readonly top: number
}

/** A job at the head of a queue, on one node. */
export interface HeadJob {
  readonly id: string
  readonly node: string
  readonly body: Uint8Array
}

/** What is known of an open queue beside its figures. */
export interface QueueDetail {
  readonly head: ReadonlyArray<HeadJob>
  readonly counts: Cluster.JobCounts | undefined
  /** Why not all is known. */
  readonly trouble: string | undefined
}

/** What one node knows of an open job. */
export interface JobOnNode {
  readonly node: string
  readonly info: Job.JobInfo | undefined
  /** Why the node has not told. */
  readonly error: string | undefined
}

export interface JobDetail {
  readonly nodes: ReadonlyArray<JobOnNode>
  /** By the clock of the nodes, in milliseconds since 1970. */
  readonly at: number
}

/** A queue that was opened. */
export interface QueuePage {
  readonly name: string
  readonly detail: QueueDetail | undefined
  /** The id of a job at its head. */
  readonly selected: string | undefined
}

/** A job that was opened. */
export interface JobPage {
  readonly id: string
  readonly detail: JobDetail | undefined
  /** The first line that is seen. */
  readonly top: number
}

/** What is asked before something is done. */
export type Question =
  /** A text is typed. */
  | { readonly _tag: "Filter"; readonly before: string }
  | { readonly _tag: "DeleteQueue"; readonly queue: string; readonly typed: string }
  /** A key is pressed. */
  | { readonly _tag: "Pause"; readonly queue: string }
  | { readonly _tag: "Resume"; readonly queue: string }
  | { readonly _tag: "Redrive"; readonly queue: string; readonly count: number }
  | { readonly _tag: "DeleteJob"; readonly id: string }

/** All queues together. */
export interface Totals {
  readonly queues: number
  readonly jobs: number
  /** Jobs a second. */
  readonly in: number
  readonly out: number
}

export const totalsOf = (queues: ReadonlyArray<Cluster.ClusterQueue>): Totals => {
  const sum = (of: (queue: Cluster.ClusterQueue) => number) => queues.reduce((total, queue) => total + of(queue), 0)
  return {
    queues: queues.length,
    jobs: sum(({ length }) => length),
    in: sum(({ rates }) => rates?.in ?? 0),
    out: sum(({ rates }) => rates?.out ?? 0)
  }
}

export interface Message {
  readonly text: string
  readonly isFailure: boolean
}

export interface Model {
  readonly size: Size
  /** The time of this machine, in milliseconds since 1970. */
  readonly now: number
  /** The last snapshot that a node answered for. */
  readonly snapshot: Cluster.QueueSnapshot | undefined
  readonly totals: Totals
  /** Since when no node answers, in milliseconds since 1970. */
  readonly silentSince: number | undefined
  /** The nodes as of the last snapshot. */
  readonly nodes: ReadonlyArray<Cluster.SampledNode>
  readonly members: ReadonlyArray<Cluster.Member>
  /** The queues that fit the filter, in order. */
  readonly rows: ReadonlyArray<Row>
  readonly sort: Sort
  readonly filter: string
  readonly cursor: Cursor
  readonly queue: QueuePage | undefined
  readonly job: JobPage | undefined
  readonly question: Question | undefined
  readonly isHelp: boolean
  /** What came of the last action. */
  readonly message: Message | undefined
  /** What is being done. */
  readonly doing: ReadonlyArray<string>
}

/** What is to be done beside changing the model. */
export type Action =
  | { readonly _tag: "Quit" }
  /** What Ctrl-C does to other programs. */
  | { readonly _tag: "Interrupt" }
  | { readonly _tag: "Suspend" }
  /** `none` resumes. */
  | { readonly _tag: "Pause"; readonly queue: string; readonly what: PauseState }
  | { readonly _tag: "Redrive"; readonly queue: string }
  | { readonly _tag: "DeleteQueue"; readonly queue: string }
  | { readonly _tag: "DeleteJob"; readonly id: string }

/** What an event makes of the model, and what is to be done then. */
export type Change = readonly [Model, Action | undefined]

export const start = (size: Size, now: number): Model => ({
  size,
  now,
  snapshot: undefined,
  totals: totalsOf([]),
  silentSince: undefined,
  nodes: [],
  members: [],
  rows: [],
  sort: { by: "trouble", isReversed: false },
  filter: "",
  cursor: { selected: undefined, top: 0 },
  queue: undefined,
  job: undefined,
  question: undefined,
  isHelp: false,
  message: undefined,
  doing: []
})

/** The queue that keys are about: the open one, or the one that is selected. */
export const queueInHand = ({ cursor, queue }: Model): string | undefined => queue?.name ?? cursor.selected

/** What is known of a queue. */
export const findQueue = ({ snapshot }: Model, name: string): Cluster.ClusterQueue | undefined => {
  // Snapshots are in the order of names, by code units.
  const queues = snapshot?.queues ?? []
  let low = 0
  let high = queues.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((queues[middle]?.name ?? "") < name) low = middle + 1
    else high = middle
  }
  const found = queues[low]
  return found?.name === name ? found : undefined
}
