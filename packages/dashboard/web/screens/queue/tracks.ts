/** What was measured of a queue, for an hour. */
import type { History, QueueFigures } from "../../../src/api/queues.js"

/** The most moments that are kept: those of an hour, and as many that were pushed since. */
const most = 4000
const longest = 3_600_000
/** While nobody looks, something is measured every 30 seconds, or a little later: moments in between are no gap. */
const longestStep = 40_000

interface Track {
  at: Array<number>
  length: Array<number | null>
  in: Array<number | null>
  out: Array<number | null>
}

/** The history that was asked for once, and what was pushed since then. */
export class Tracks {
  private track: Track = { at: [], length: [], in: [], out: [] }

  /** Puts what the server knows in front of what was pushed. */
  begin(history: History): void {
    const last = history.at.at(-1) ?? 0
    const from = this.track.at.findIndex((at) => at > last)
    const rest = <A>(values: ReadonlyArray<A>): ReadonlyArray<A> => (from < 0 ? [] : values.slice(from))
    this.track = {
      at: [...history.at, ...rest(this.track.at)],
      length: [...history.length, ...rest(this.track.length)],
      in: [...history.in, ...rest(this.track.in)],
      out: [...history.out, ...rest(this.track.out)]
    }
  }

  push(at: number, queue: QueueFigures): void {
    const { track } = this
    if (at <= (track.at.at(-1) ?? 0)) return
    track.at.push(at)
    track.length.push(queue.length)
    track.in.push(queue.in)
    track.out.push(queue.out)
    const old = track.at.length > most ? 1 : track.at.findIndex((each) => each > at - longest)
    if (old > 0) for (const values of [track.at, track.length, track.in, track.out]) values.splice(0, old)
  }

  since(from: number): Track {
    const first = Math.max(0, this.track.at.findIndex((at) => at >= from) - 1)
    const { at, in: ins, length, out } = this.track
    const shown: Track = { at: [], length: [], in: [], out: [] }
    let known = Number.NEGATIVE_INFINITY
    for (let i = first; i < at.length; i++) {
      const moment = at[i] ?? 0
      if (length[i] === null && moment - known < longestStep && this.isKnownBefore(i, known + longestStep)) continue
      if (length[i] !== null) known = moment
      shown.at.push(moment)
      shown.length.push(length[i] ?? null)
      shown.in.push(ins[i] ?? null)
      shown.out.push(out[i] ?? null)
    }
    return shown
  }

  /** Whether something is known of a moment behind one, and before a time. */
  private isKnownBefore(index: number, time: number): boolean {
    const { at, length } = this.track
    for (let i = index + 1; i < at.length && (at[i] ?? 0) < time; i++) if (length[i] !== null) return true
    return false
  }
}
