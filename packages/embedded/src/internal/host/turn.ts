/** The turns of a node: whatever comes in is worked off, then all that follows from it, before the next thing. */

import { receive } from "../bus/receive.js"
import { collectJob } from "../bus/replication.js"
import { pollJobs, requestJobs } from "../bus/requests.js"
import { unblock } from "../node/blocking.js"
import { noAnswer } from "../node/commands/noAnswer.js"
import { run } from "../node/commands/run.js"
import { jobAnswer } from "../node/commands/show.js"
import { abandon, fetch, processJob } from "../node/jobs.js"
import type { Node } from "../node/node.js"
import type { Session } from "../node/session.js"
import type { Answer } from "../wire/answers.js"
import { type Argument, asText } from "../wire/bytes.js"

const answerTo = (node: Node, session: Session, command: ReadonlyArray<Argument>): void => {
  const answer: Answer | typeof noAnswer = run(node, session, command)
  if (answer !== noAnswer) session.answer(answer)
  if (session.replies !== "on") session.replies = afterReply(session.replies)
}

const afterReply = (replies: Session["replies"]): Session["replies"] =>
  replies === "skip next" ? "skip" : replies === "skip" ? "on" : replies

/** Gives jobs of the queues that got some to the clients blocked there, one each, in order of arrival. */
const serveQueues = (node: Node): void => {
  for (const queue of node.readyQueues) {
    node.readyQueues.delete(queue)
    let count = queue.clients?.size ?? 0
    while (count-- > 0 && queue.clients !== null && queue.jobs.length > 0) {
      const session = queue.clients.values().next().value
      if (session === undefined || session.blocked?.command !== "GETJOB") break
      const withCounters = session.blocked.withCounters
      const job = fetch(node, queue)
      if (job === undefined) break
      if (queue.jobs.length === 0 && queue.importRate(node.ms) > 0) pollJobs(node, queue, "sources")
      unblock(node, session)
      session.answer([jobAnswer(job, withCounters)])
    }
    if (queue.clients !== null) requestJobs(node, queue)
  }
}

/** Goes on with the commands of a session that came while it was not free. */
const resumeSession = (node: Node, session: Session): void => {
  while (!session.closed && session.blocked === null && !node.isHeld) {
    const command = session.pending.shift()
    if (command === undefined) {
      session.handlers.onReady?.()
      return
    }
    answerTo(node, session, command)
    serveQueues(node)
  }
}

/** Lets all sessions go on that were held. */
const resumeAll = (node: Node): void => {
  for (const session of node.sessions.values()) node.readySessions.push(session)
}

const runTimers = (node: Node): void => {
  const collect = (job: Parameters<typeof collectJob>[1]) => collectJob(node, job)
  while (true) {
    const alarm = node.alarms.take(node.ms)
    if (alarm === undefined) break
    alarm.run()
  }
  if (node.pausedUntil !== undefined && node.pausedUntil <= node.ms) {
    node.pausedUntil = undefined
    resumeAll(node)
  }
  while (true) {
    const job = node.jobTimers.take(node.ms)
    if (job === undefined) break
    processJob(node, job, collect)
  }
}

/** Does `work` in a turn of the node, after what was due before it, and then all that follows from it. */
export const turn = (node: Node, work: () => void): void => {
  if (node.busy) {
    work()
    return
  }
  node.busy = true
  try {
    node.tick()
    if (node.nextDue <= node.ms) {
      runTimers(node)
      serveQueues(node)
    }
    work()
    while (node.readyQueues.size > 0 || node.readySessions.size > 0) {
      if (node.readyQueues.size > 0) serveQueues(node)
      const session = node.readySessions.shift()
      if (session !== undefined) resumeSession(node, session)
    }
  } finally {
    node.busy = false
  }
}

const idle = () => {}

/** Goes on after a freeze. */
export const thaw = (node: Node): void => {
  node.frozen = false
  turn(node, () => {
    for (const { from, message } of node.mailbox.drain()) receive(node, from, message)
    resumeAll(node)
  })
}

/** Does what is due. */
export const runDue = (node: Node): void => turn(node, idle)

/** Takes a command of a client. It is answered before this returns, unless something has to be waited for. */
export const submit = (node: Node, session: Session, command: ReadonlyArray<Argument>): void => {
  if (session.closed || session.isDeaf) return
  if (session.blocked !== null || node.isHeld || node.busy || session.pending.size > 0) {
    session.pending.push(command)
    if (node.busy && session.blocked === null) node.readySessions.push(session)
    return
  }
  turn(node, () => answerTo(node, session, command))
}

/** Forgets a client that went away, with what it waits for. */
export const leave = (node: Node, session: Session): void => {
  if (session.closed) return
  session.closed = true
  session.pending.drain()
  node.sessions.delete(session.id)
  node.monitors.delete(session)
  turn(node, () => abandon(node, session))
}

/**
 * Takes back the GETJOB that a client is blocked on, or that has not been begun; `taken` is called before anything else
 * of the client goes on. Nothing happens if there is none.
 */
export const withdraw = (node: Node, session: Session, taken: () => void): void => {
  if (session.closed) return
  turn(node, () => {
    if (session.blocked?.command === "GETJOB") {
      taken()
      unblock(node, session)
      return
    }
    const name = session.pending.peek()?.[0]
    if (session.blocked === null && name !== undefined && asText(name).toUpperCase() === "GETJOB") {
      taken()
      session.pending.shift()
    }
  })
}
