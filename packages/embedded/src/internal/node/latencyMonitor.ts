/** What made the node wait, for LATENCY. */

interface Needs {
  readonly config: {
    /** What takes as many ms or more is remembered; 0 if nothing is. */
    readonly latencyThreshold: number
  }
  readonly unixSeconds: () => number
}

/** A latency at a time. */
export interface LatencySample {
  /** In s since 1970. */
  readonly at: number
  /** In ms. */
  millis: number
}

/** The latencies of one event. */
export interface LatencyEvent {
  readonly name: string
  /** At least one, oldest first. */
  readonly samples: ReadonlyArray<LatencySample>
  readonly latest: LatencySample
  /** The most ms, as a server reckons: a worse latency within the second of the latest sample changes that sample, and not this. */
  readonly most: number
}

/** The most samples of an event. */
const mostSamples = 160

class Series implements LatencyEvent {
  readonly name: string
  readonly samples: Array<LatencySample>
  most: number

  constructor(name: string, first: LatencySample) {
    this.name = name
    this.samples = [first]
    this.most = first.millis
  }

  get latest(): LatencySample {
    return this.samples.at(-1) as LatencySample
  }

  add(sample: LatencySample): void {
    const { latest, samples } = this
    if (latest.at === sample.at) {
      latest.millis = Math.max(latest.millis, sample.millis)
      return
    }
    samples.push(sample)
    if (samples.length > mostSamples) samples.shift()
    this.most = Math.max(this.most, sample.millis)
  }
}

export class LatencyMonitor {
  private readonly needs: Needs
  private readonly series = new Map<string, Series>()

  constructor(needs: Needs) {
    this.needs = needs
  }

  /** Remembers an event that took some µs, if that is as long as `latency-monitor-threshold` or longer. */
  add(event: string, micros: number): void {
    const { latencyThreshold } = this.needs.config
    if (latencyThreshold === 0 || micros < latencyThreshold * 1000) return
    const sample = { at: this.needs.unixSeconds(), millis: Math.floor(micros / 1000) }
    const known = this.series.get(event)
    if (known === undefined) this.series.set(event, new Series(event, sample))
    else known.add(sample)
  }

  get events(): ReadonlyArray<LatencyEvent> {
    return [...this.series.values()]
  }

  get(event: string): LatencyEvent | undefined {
    return this.series.get(event)
  }

  /** Forgets an event; the letters may be large or small. Gives how many events were forgotten. */
  forget(event: string): number {
    const name = event.toLowerCase()
    const known = [...this.series.keys()].filter((each) => each.toLowerCase() === name)
    for (const each of known) this.series.delete(each)
    return known.length
  }

  /** Forgets all events. Gives how many there were. */
  clear(): number {
    const { size } = this.series
    this.series.clear()
    return size
  }
}
