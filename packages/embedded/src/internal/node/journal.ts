/** What a node needs of its disk: the records of the jobs that come and go, kept before clients are answered. */
import type { Answer, Failure } from "../wire/answers.js"
import type { Client } from "./client.js"
import type { Job } from "./job.js"

/** The records of the jobs. */
export interface Journal {
  /** How many bytes of records there have been. */
  readonly end: number
  /** How many bytes of these are kept. */
  readonly kept: number
  /** The clients with answers that wait for records to be kept. */
  readonly waiting: Set<Client>
  /** The answer to commands that change jobs, while records cannot be written. */
  readonly refusal: Failure | undefined
  /** Whether so much waits to be written that clients have to wait with further commands. */
  isFull(): boolean
  /** The job is in effect. */
  added(job: Job): void
  /** The job is acknowledged or deleted, or has expired. */
  gone(id: string): void
}

/** What commands do with the files. Each `done` is called in a turn of the node. */
export interface Disk {
  /** Whether jobs are being read. */
  readonly isLoading: boolean
  /** Whether jobs that come and go are recorded. */
  readonly isOn: boolean
  /** Begins to record, or stops. */
  switch(isOn: boolean, done: (failure: Failure | undefined) => void): void
  /** Begins to write the file anew, without what is no longer needed. */
  rewrite(): Answer
  /** Forgets all jobs, and reads those of the file. */
  reload(done: (failure: Failure | undefined) => void): void
  /** Writes and syncs all records, and before it the file anew if `isRewritten` is set. */
  finish(isRewritten: boolean, done: (isKept: boolean) => void): void
  /** Keeps the id that the node has now. */
  keepId(done: (failure: Failure | undefined) => void): void
  /** The lines of INFO persistence. */
  info(): ReadonlyArray<string>
}

/** Answers a client. If there are records since `before`, the answer waits until they are kept. */
export const answerOnceKept = (journal: Journal | undefined, client: Client, answer: Answer, before: number): void => {
  if (journal === undefined || journal.end === before || journal.kept === journal.end) {
    client.answer(answer)
    return
  }
  client.answer(answer, journal.end)
  if (client.held !== null) journal.waiting.add(client)
}

/** Sends the answers that waited for the records up to `kept`. */
export const release = (journal: Journal, kept: number): void => {
  for (const client of journal.waiting) if (client.release(kept)) journal.waiting.delete(client)
}
