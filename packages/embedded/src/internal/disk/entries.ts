/** What the records of an append-only file say. */
import { isId } from "../node/jobId.js"
import { fromBytes } from "../wire/bytes.js"
import type { Record } from "./recordReader.js"
import { readJob, type StoredJob } from "./records.js"

/** That a job is gone. */
export interface Deletion {
  readonly deleted: string
}

/** The longest id that is shown if it is none. */
const longestId = 64

/** Reads a record; a text says what is wrong with it. The result shares the memory of the record. */
export const readEntry = ({ argument, name }: Record): StoredJob | Deletion | string => {
  const command = name.toUpperCase()
  if (command === "LOADJOB") {
    const job = readJob(argument)
    return typeof job === "string" || isId(job.id) ? job : `LOADJOB of ${JSON.stringify(job.id)}, which is no job id`
  }
  if (command !== "DELJOB") return `the command ${JSON.stringify(name)}, where LOADJOB or DELJOB is expected`
  const id = fromBytes(argument.bytes, argument.start, Math.min(argument.end, argument.start + longestId))
  return isId(id) ? { deleted: id } : `DELJOB of ${JSON.stringify(id)}, which is no job id`
}
