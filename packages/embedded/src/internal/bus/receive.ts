/** Which message of another node goes where. */
import type { Job } from "../node/job.js"
import { unregister } from "../node/jobs.js"
import type { Node } from "../node/node.js"
import type { Announcements } from "./announcements.js"
import type { Federation } from "./federation.js"
import type { Membership } from "./membership.js"
import type { Message } from "./messages.js"
import type { Replication } from "./replication.js"

interface Receivers {
  readonly members: Pick<Membership, "receivePing" | "receiveFail">
  readonly replication: Pick<Replication, "receiveCopy" | "receiveGotJob" | "receiveGotAck" | "receiveSetAck">
  readonly announce: Pick<Announcements, "receiveEnqueue" | "receiveQueued" | "receiveWillQueue">
  readonly federation: Pick<Federation, "receiveJobs" | "receivePause" | "receiveRequest">
}

type AboutJob = Extract<
  Message,
  { readonly type: "gotjob" | "gotack" | "deljob" | "enqueue" | "queued" | "working" | "willqueue" }
>

const receiveAbout = (node: Node, to: Receivers, from: string, job: Job, message: AboutJob): void => {
  switch (message.type) {
    case "gotjob":
      to.replication.receiveGotJob(from, job)
      break
    case "gotack":
      to.replication.receiveGotAck(from, job, message.known)
      break
    case "deljob":
      unregister(node, job)
      break
    case "enqueue":
      to.announce.receiveEnqueue(job, message.delay)
      break
    case "queued":
    case "working":
      to.announce.receiveQueued(from, job, message)
      break
    case "willqueue":
      to.announce.receiveWillQueue(from, job)
      break
  }
}

export const receive = (node: Node, to: Receivers, from: string, message: Message): void => {
  switch (message.type) {
    case "ping":
      to.members.receivePing(from, message)
      break
    case "fail":
      to.members.receiveFail(message.about)
      break
    case "repljob":
      to.replication.receiveCopy(from, message.job, message.confirm)
      break
    case "setack":
      to.replication.receiveSetAck(from, message.id, message.holders)
      break
    case "yourjobs":
      to.federation.receiveJobs(from, message.jobs)
      break
    case "needjobs":
      to.federation.receiveRequest(from, message.queue, message.count, message.standing)
      break
    case "pause":
      to.federation.receivePause(message.queue, message.paused)
      break
    default: {
      const job = node.jobs.get(message.id)
      if (job !== undefined) receiveAbout(node, to, from, job, message)
    }
  }
}
