/** What clients are told when the disk does not take the records of what they asked for. */
import { Failure, Status } from "../wire/answers.js"
import { endSession } from "./clients.js"
import { Flag, type Job } from "./job.js"
import { isId } from "./jobId.js"
import { unregister } from "./jobs.js"
import type { Journal } from "./journal.js"
import type { Node } from "./node.js"

/** Whether a job that was just added can be taken back: nobody else has seen it. */
const isUnseen = (node: Node, job: Job): boolean =>
  (job.flags & Flag.delivered) === 0 && job.holders.length === 1 && job.holders[0] === node.id

/**
 * Records could not be written, those up to `kept` excepted. The clients that wait for the others are refused, if what they asked
 * for did not happen. A job that was added is taken back. If a consumer has it already, nothing that could be said is true: the
 * session of its producer ends, so that the producer knows that it does not know.
 */
export const refuseUnkept = (node: Node, journal: Journal, kept: number, refusal: Failure): void => {
  for (const client of [...journal.waiting]) {
    journal.waiting.delete(client)
    if (client.release(kept)) continue
    const held = client.held?.drain() ?? []
    client.held = null
    for (const { answer, isEnd, position } of held) {
      if (isEnd) {
        client.handlers.onEnd()
        break
      }
      const job =
        position > kept && answer instanceof Status && isId(answer.text) ? node.jobs.get(answer.text) : undefined
      if (job !== undefined && !isUnseen(node, job)) {
        if (client.closed) client.handlers.onEnd()
        else endSession(node, client)
        break
      }
      if (job !== undefined) unregister(node, job)
      const isUnkept = position > kept && (job !== undefined || !(answer instanceof Status))
      client.handlers.onAnswer(isUnkept && !(answer instanceof Failure) ? refusal : answer)
    }
  }
}
