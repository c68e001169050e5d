/** Queues of Disco's own. Nobody fetches their jobs: they are looked at, or counted, until they expire. */

/** The queue that workers report to. */
export const reportQueue = "disco.workers"

const markers = "disco.ids."

/** The queue whose job says that an element with this id was added to a queue. The first slash ends the name of the queue. */
export const markerQueue = (queue: string, id: string): string => `${markers}${encodeURIComponent(queue)}/${id}`

const dead = ".dead"

/** The queue of the letters about jobs of a queue that were given up. */
export const deadQueueOf = (queue: string): string => `${queue}${dead}`

/** The queue whose letters are in this one; undefined if this is no queue of letters. */
export const queueOfDead = (name: string): string | undefined =>
  name.length > dead.length && name.endsWith(dead) ? name.slice(0, -dead.length) : undefined

export const isOwnQueue = (name: string): boolean => name === reportQueue || name.startsWith(markers)
