/** What was measured of queues in the last hour: in steps of five seconds at first, and of half a minute later. */

/** What is measured. */
export interface Point {
  readonly length: number
  readonly in: number | undefined
  readonly out: number | undefined
}

/** Points at the same distance, in a ring that goes round. */
interface Ring {
  readonly values: Float32Array
  /** The number of the step that was written last. */
  last: number
}

interface Track {
  readonly fine: Ring
  readonly coarse: Ring
  notedAt: number
}

export const fineMillis = 5000
const fineSteps = 60
const coarseMillis = 30_000
const coarseSteps = 120
const keptMillis = coarseMillis * coarseSteps
const width = 3

/** The most queues that are remembered: each takes about 2 kB. */
const mostQueues = 20_000

const ring = (steps: number): Ring => ({ values: new Float32Array(steps * width).fill(Number.NaN), last: -1 })

const write = (ring: Ring, millis: number, at: number, point: Point): void => {
  const steps = ring.values.length / width
  const step = Math.floor(at / millis)
  if (step < ring.last) return
  // What was not measured in between is not known.
  const first = Math.max(ring.last + 1, step - steps + 1)
  for (let missed = first; missed <= step; missed++) {
    ring.values.fill(Number.NaN, (missed % steps) * width, ((missed % steps) + 1) * width)
  }
  ring.last = step
  const place = (step % steps) * width
  ring.values[place] = point.length
  ring.values[place + 1] = point.in ?? Number.NaN
  ring.values[place + 2] = point.out ?? Number.NaN
}

const read = (ring: Ring, step: number, which: number): number | null => {
  const steps = ring.values.length / width
  if (step > ring.last || step <= ring.last - steps) return null
  const value = ring.values[(step % steps) * width + which]
  return value === undefined || Number.isNaN(value) ? null : value
}

/** The points of a queue, as arrays with one value for each moment. */
export interface Series {
  readonly at: ReadonlyArray<number>
  readonly length: ReadonlyArray<number | null>
  readonly in: ReadonlyArray<number | null>
  readonly out: ReadonlyArray<number | null>
}

export class History {
  private readonly tracks = new Map<string, Track>()
  private sweptAt = Number.NEGATIVE_INFINITY

  /** How many queues are remembered. */
  get size(): number {
    return this.tracks.size
  }

  /** Notes what was measured of a queue. A queue that is empty and idle is not remembered until something comes. */
  note(name: string, at: number, point: Point): void {
    let track = this.tracks.get(name)
    if (track === undefined) {
      const isQuiet = point.length === 0 && (point.in ?? 0) === 0 && (point.out ?? 0) === 0
      if (isQuiet || this.tracks.size >= mostQueues) return
      track = { fine: ring(fineSteps), coarse: ring(coarseSteps), notedAt: at }
      this.tracks.set(name, track)
    }
    track.notedAt = at
    write(track.fine, fineMillis, at, point)
    write(track.coarse, coarseMillis, at, point)
  }

  /** Forgets queues of which nothing was noted for an hour. */
  sweep(now: number): void {
    if (now - this.sweptAt < coarseMillis) return
    this.sweptAt = now
    for (const [name, { notedAt }] of this.tracks) if (now - notedAt > keptMillis) this.tracks.delete(name)
  }

  /** The lengths of the last five minutes; none if nothing is remembered. */
  sparkline(name: string, now: number): ReadonlyArray<number | null> {
    const track = this.tracks.get(name)
    if (track === undefined) return []
    const last = Math.floor(now / fineMillis)
    return Array.from({ length: fineSteps }, (_, i) => read(track.fine, last - fineSteps + 1 + i, 0))
  }

  /** The points of the last hour, but none from before `since`. */
  series(name: string, since: number, now: number): Series {
    const at: Array<number> = []
    const points: readonly [Array<number | null>, Array<number | null>, Array<number | null>] = [[], [], []]
    const track = this.tracks.get(name)
    if (track === undefined) return { at, length: points[0], in: points[1], out: points[2] }
    const add = (ring: Ring, millis: number, from: number, to: number): void => {
      for (let step = Math.ceil(from / millis); step * millis < to; step++) {
        at.push(step * millis)
        for (const [which, values] of points.entries()) values.push(read(ring, step, which))
      }
    }
    const start = Math.max(since - coarseMillis, now - keptMillis)
    const turn = Math.max(start, Math.floor((now - fineMillis * (fineSteps - 1)) / coarseMillis) * coarseMillis)
    add(track.coarse, coarseMillis, start, turn)
    add(track.fine, fineMillis, turn, now + 1)
    return { at, length: points[0], in: points[1], out: points[2] }
  }
}
