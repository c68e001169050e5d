/**
 * Effect keeps the `hrtime` that it finds when it is loaded, so that it would not see that of fake timers. The one that is put here
 * goes by those while there are such. To be imported before anything else.
 */
const real = process.hrtime
const current: NodeJS.HRTime = Object.assign((time?: [number, number]) => real(time), {
  bigint: () => (process.hrtime === current ? real : process.hrtime).bigint()
})
process.hrtime = current
