/** The queue that workers report to. Nobody fetches its jobs: they are looked at until they expire. */
export const reportQueue = "disco.workers"
