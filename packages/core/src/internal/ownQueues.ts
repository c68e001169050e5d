/** Queues of Disco's own. Nobody fetches their jobs: they are looked at, or counted, until they expire. */

/** The queue that workers report to. */
export const reportQueue = "disco.workers"

const markers = "disco.ids."

/** The queue whose job says that an element with this id was added to a queue. The first slash ends the name of the queue. */
export const markerQueue = (queue: string, id: string): string => `${markers}${encodeURIComponent(queue)}/${id}`

export const isOwnQueue = (name: string): boolean => name === reportQueue || name.startsWith(markers)
