/** What a node counts, for INFO. CONFIG RESETSTAT sets all of it to zero. */

/** How often a command was run, and how long that took in all. */
export interface CommandRuns {
  readonly name: string
  calls: number
  micros: number
}

/** A server takes a sample of its counters at this interval, in ms. */
const sampleMillis = 100

/** Rates are the average of so many samples. */
const sampleCount = 16

/** A counter's latest changes for each interval, from which its rate is computed. */
class Rate {
  private readonly samples = new Array<number>(sampleCount).fill(0)
  private next = 0
  private last = 0

  /** Takes a sample, for as many intervals as have passed. The counter has changed in the first of them. */
  sample(count: number, intervals: number): void {
    this.put(Math.floor(((count - this.last) * 1000) / sampleMillis))
    this.last = count
    for (let i = 1; i < Math.min(intervals, sampleCount + 1); i++) this.put(0)
  }

  private put(perSecond: number): void {
    this.samples[this.next] = perSecond
    this.next = (this.next + 1) % sampleCount
  }

  /** In a second. */
  get average(): number {
    return Math.floor(this.samples.reduce((sum, sample) => sum + sample, 0) / sampleCount)
  }

  reset(): void {
    this.samples.fill(0)
    this.last = 0
  }
}

export class Statistics {
  connections = 0
  rejected = 0
  commands = 0
  inputBytes = 0
  outputBytes = 0
  /** How often a long sync of the append-only file delayed a write. */
  delayedSyncs = 0
  /** The runs of each command that was run, by its place in the table of commands. */
  private byPlace: Array<CommandRuns | undefined> = []
  private readonly commandRate = new Rate()
  private readonly inputRate = new Rate()
  private readonly outputRate = new Rate()
  /** The bytes as they were in the latest turn: what came after it belongs to the next interval. */
  private inputInTurn = 0
  private outputInTurn = 0
  /** When the present interval ends, in ms. */
  private sampleAt = 0

  /** A turn begins. Samples are taken here, so that no timer is needed while nothing happens. */
  tick(ms: number): void {
    if (ms >= this.sampleAt) this.sample(ms)
    this.inputInTurn = this.inputBytes
    this.outputInTurn = this.outputBytes
  }

  private sample(ms: number): void {
    const intervals = 1 + Math.floor((ms - this.sampleAt) / sampleMillis)
    this.commandRate.sample(this.commands, intervals)
    this.inputRate.sample(this.inputInTurn, intervals)
    this.outputRate.sample(this.outputInTurn, intervals)
    this.sampleAt += intervals * sampleMillis
  }

  /** Counts a run of a command. */
  ran({ name, place }: { readonly name: string; readonly place: number }, micros: number): void {
    this.commands++
    const runs = this.byPlace[place]
    if (runs === undefined) {
      this.byPlace[place] = { name, calls: 1, micros }
    } else {
      runs.calls++
      runs.micros += micros
    }
  }

  /** The commands that were run, in the order of the table. */
  get runs(): ReadonlyArray<CommandRuns> {
    return this.byPlace.filter((runs) => runs !== undefined)
  }

  /** How many in a second, on average over the last 1.6 s. */
  rates(): { readonly commands: number; readonly inputBytes: number; readonly outputBytes: number } {
    return {
      commands: this.commandRate.average,
      inputBytes: this.inputRate.average,
      outputBytes: this.outputRate.average
    }
  }

  /** Sets all to zero. `ms` is the present time. */
  reset(ms: number): void {
    this.connections = this.rejected = this.commands = this.inputBytes = this.outputBytes = 0
    this.inputInTurn = this.outputInTurn = this.delayedSyncs = 0
    this.byPlace = []
    for (const rate of [this.commandRate, this.inputRate, this.outputRate]) rate.reset()
    this.sampleAt = ms + sampleMillis
  }
}
