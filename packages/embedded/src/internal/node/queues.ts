import type { Node } from "./node.js"
import { Pause, Queue, queueMemory } from "./queue.js"

/** How long an unused queue is kept, in s: the fuller the memory, the shorter. */
const maxIdle = (node: Node): number => {
  const warning = node.memoryWarning
  return warning === 0 ? 300 : warning === 1 ? 10 : 2
}

/** Forgets the queue if it has been empty and unused for long enough. */
export const collectQueue = (node: Node, queue: Queue): boolean => {
  if (queue.jobs.length > 0 || node.seconds - queue.usedAt < maxIdle(node)) return false
  if (queue.paused !== Pause.none || queue.clients !== null) return false
  node.queues.delete(queue.name)
  node.readyQueues.delete(queue)
  node.memory -= queueMemory(queue.name)
  return true
}

/** Looks at up to `count` queues, from where the last call stopped, and returns how many it forgot. */
export const collectQueues = (node: Node, count: number): number => {
  let collected = 0
  for (let i = 0; i < count; i++) {
    node.collections ??= node.queues.values()
    const next = node.collections.next()
    if (next.done === true) {
      node.collections = undefined
      break
    }
    if (collectQueue(node, next.value)) collected++
  }
  return collected
}

export const findQueue = (node: Node, name: string): Queue | undefined => {
  const queue = node.queues.get(name)
  return queue === undefined || collectQueue(node, queue) ? undefined : queue
}

export const makeQueue = (node: Node, name: string): Queue => {
  const known = findQueue(node, name)
  if (known !== undefined) return known
  // Two queues are looked at for each new one, so that idle queues do not pile up.
  collectQueues(node, 2)
  const queue = new Queue(name, node.nextSerial(), node.ms)
  node.queues.set(name, queue)
  node.memory += queueMemory(name)
  return queue
}

/** Notes that the clients blocked on the queue may get jobs. */
export const signalReady = (node: Node, queue: Queue): void => {
  if (queue.clients !== null) node.readyQueues.add(queue)
}

export const setPaused = (node: Node, queue: Queue, paused: number): void => {
  const wasOut = (queue.paused & Pause.out) !== 0
  queue.paused = paused
  if (wasOut && (paused & Pause.out) === 0) {
    signalReady(node, queue)
    node.bus.federation.offer(queue)
  }
}

/** Whether the queue of this name takes no jobs. */
export const isPausedIn = (node: Node, name: string | null): boolean => {
  const queue = name === null ? undefined : findQueue(node, name)
  return queue !== undefined && (queue.paused & Pause.in) !== 0
}
