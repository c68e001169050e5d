/**
 * Lets fake timers set the clock of Effect. Effect keeps the `process.hrtime` that it finds when it is loaded, and would not see the
 * one of fake timers. This one, which is put in place before any test file is loaded, reads theirs while they are in use.
 */
const followsFakeTimers = Symbol.for("disco/test/hrtime")

if (!(followsFakeTimers in process.hrtime)) {
  const real = process.hrtime
  const following: NodeJS.HRTime = Object.assign((time?: [number, number]) => real(time), {
    bigint: () => (process.hrtime === following ? real : process.hrtime).bigint(),
    [followsFakeTimers]: true
  })
  process.hrtime = following
}

export {}
