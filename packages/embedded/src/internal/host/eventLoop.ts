/** The event loop of a node: it does one thing at a time, and all that follows from it before the next. */
import { Fifo } from "@disco/core/internal"
import { unblock } from "../node/blocking.js"
import type { Client } from "../node/client.js"
import { endIdleSessions, removeClient } from "../node/clients.js"
import { noAnswer } from "../node/commands/noAnswer.js"
import { run } from "../node/commands/run.js"
import { jobAnswer } from "../node/commands/show.js"
import { abandon, fetch, processJob } from "../node/jobs.js"
import { answerOnceKept } from "../node/journal.js"
import type { Node } from "../node/node.js"
import { type Argument, asText } from "../wire/bytes.js"

const afterReply = (replies: Client["replies"]): Client["replies"] =>
  replies === "skip next" ? "skip" : replies === "skip" ? "on" : replies

/** Gives jobs of the queues that got some to the clients blocked there, one each, in order of arrival. */
const serveQueues = (node: Node): void => {
  const { federation } = node.bus
  for (const queue of node.readyQueues) {
    node.readyQueues.delete(queue)
    let count = queue.clients?.size ?? 0
    while (count-- > 0 && queue.clients !== null && queue.jobs.length > 0) {
      const client = queue.clients.values().next().value
      if (client === undefined || client.blocked?.command !== "GETJOB") break
      const withCounters = client.blocked.withCounters
      const job = fetch(node, queue)
      if (job === undefined) break
      if (queue.jobs.length === 0 && queue.importRate(node.ms) > 0) federation.poll(queue, "sources")
      unblock(node, client)
      client.answer([jobAnswer(job, withCounters)])
    }
    if (queue.clients !== null) federation.request(queue)
  }
}

/** Lets the clients go on that were paused or frozen. */
const resumeAll = (node: Node): void => {
  for (const client of node.clients.values()) node.readyClients.push(client)
}

const runTimers = (node: Node): void => {
  for (let alarm = node.alarms.take(node.ms); alarm !== undefined; alarm = node.alarms.take(node.ms)) alarm.run()
  if (node.pausedUntil !== undefined && node.pausedUntil <= node.ms) {
    node.pausedUntil = undefined
    resumeAll(node)
  }
  if (node.idleCheck.timerIndex < 0) endIdleSessions(node)
  for (let job = node.jobTimers.take(node.ms); job !== undefined; job = node.jobTimers.take(node.ms)) {
    processJob(node, job)
  }
}

const idle = () => {}

export class EventLoop<Message> {
  private readonly node: Node
  private readonly receiveNow: (from: string, message: Message) => void
  /** Messages that arrived while the node was frozen. */
  private readonly mailbox = new Fifo<{ readonly from: string; readonly message: Message }>()
  private isBusy = false
  isFrozen = false
  /** Whether the node reads its jobs: commands are run, and all else waits. */
  isLoading = false

  constructor(node: Node, receive: (from: string, message: Message) => void) {
    this.node = node
    this.receiveNow = receive
  }

  /** Whether commands have to wait. */
  get isHeld(): boolean {
    return this.isFrozen || this.node.pausedUntil !== undefined
  }

  /** When something is due next, in ms since the base; `Infinity` if never. */
  get nextDue(): number {
    return this.isStill ? Number.POSITIVE_INFINITY : this.node.nextDue
  }

  private get isStill(): boolean {
    return this.isFrozen || this.isLoading
  }

  /** Does `work` in a turn, after all that was due before, and then all that follows from it. */
  turn(work: () => void): void {
    const { node } = this
    if (this.isBusy) {
      work()
      return
    }
    this.isBusy = true
    try {
      node.tick()
      if (this.nextDue <= node.ms) {
        runTimers(node)
        node.latency.add("jobs-processing", node.lap())
        serveQueues(node)
        node.lap()
      }
      work()
      while (node.readyQueues.size > 0 || node.readyClients.size > 0) {
        if (node.readyQueues.size > 0) serveQueues(node)
        const client = node.readyClients.shift()
        if (client !== undefined) this.resumeClient(client)
      }
    } finally {
      this.isBusy = false
    }
  }

  /** Changes the state of the node, even of a frozen one. */
  change(change: () => void): void {
    if (this.isFrozen) {
      this.node.tick()
      change()
    } else {
      this.turn(change)
    }
  }

  /** Does what is due. */
  runDue(): void {
    this.turn(idle)
  }

  /** Takes a message of another node. */
  receive(from: string, message: Message): void {
    if (this.isStill) this.mailbox.push({ from, message })
    else this.turn(() => this.receiveNow(from, message))
  }

  /** Takes a command of a client. The command is answered before this returns, unless it has to wait. */
  submit(client: Client, command: ReadonlyArray<Argument>): void {
    if (client.closed || client.isDeaf) return
    if (client.blocked !== null || this.isHeld || this.isBusy || client.pending.size > 0) {
      client.pending.push(command)
      if (this.isBusy && client.blocked === null) this.node.readyClients.push(client)
      return
    }
    this.turn(() => this.runCommand(client, command))
  }

  private runCommand(client: Client, command: ReadonlyArray<Argument>): void {
    const before = this.node.journal?.end ?? 0
    const answer = run(this.node, client, command)
    if (answer !== noAnswer) answerOnceKept(this.node.journal, client, answer, before)
    if (client.replies !== "on") client.replies = afterReply(client.replies)
  }

  /** Goes on with the commands that waited for the client to be free. */
  private resumeClient(client: Client): void {
    while (!client.closed && client.blocked === null && !this.isHeld) {
      const command = client.pending.shift()
      if (command === undefined) {
        client.handlers.onReady?.()
        return
      }
      // What was done since the clock was read is no part of this command.
      this.node.lap()
      this.runCommand(client, command)
      serveQueues(this.node)
    }
  }

  /** Forgets a client that is gone, and what it waits for. */
  leave(client: Client): void {
    if (client.closed) return
    removeClient(this.node, client)
    this.turn(() => abandon(this.node, client))
  }

  /**
   * Withdraws the GETJOB that the client is blocked on, or that waits to be run next. `onTaken` is called before anything else
   * happens to the client; it is not called if there is no such GETJOB.
   */
  withdraw(client: Client, onTaken: () => void): void {
    if (client.closed) return
    this.turn(() => {
      if (client.blocked?.command === "GETJOB") {
        onTaken()
        unblock(this.node, client)
        return
      }
      const name = client.pending.peek()?.[0]
      if (client.blocked === null && name !== undefined && asText(name).toUpperCase() === "GETJOB") {
        onTaken()
        client.pending.shift()
      }
    })
  }

  /** Goes on after a freeze, with all that arrived meanwhile. */
  thaw(): void {
    this.isFrozen = false
    this.goOn()
  }

  /** Takes the messages that arrived meanwhile, and lets clients go on that had to wait. */
  goOn(): void {
    if (this.isStill) return
    this.turn(() => {
      for (const { from, message } of this.mailbox.drain()) this.receiveNow(from, message)
      resumeAll(this.node)
    })
  }

  /** The node ends: what arrived during a freeze is lost. */
  reset(): void {
    this.isFrozen = false
    this.isLoading = false
    this.mailbox.drain()
  }
}
