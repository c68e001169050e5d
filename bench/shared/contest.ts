/** Several ways to do the same work, in rounds that take turns: what disturbs the machine meets all of them. */
import { collectYoung } from "./heap.js"
import { median, quantile } from "./statistics.js"

/** One way to do the work. */
export interface Contender {
  readonly name: string
  /** Does the work for so many jobs, and tells how long each call of it took, in milliseconds, where there are such. */
  readonly run: (jobs: number, took: (millis: number) => void) => Promise<void>
}

export interface Contest {
  readonly title: string
  /** How many jobs a round has. */
  readonly jobs: number
  readonly contenders: ReadonlyArray<Contender>
  /** What is there before each turn of a contender, unmeasured: the jobs to fetch. */
  readonly before?: (jobs: number, contender: string) => Promise<void>
  /** What takes away what each turn left, unmeasured. */
  readonly after?: (contender: string) => Promise<void>
}

/** How much is measured. */
export interface Effort {
  readonly rounds: number
  readonly warmUps: number
  /** What share of the jobs of a full measurement there is in a round. */
  readonly share: number
  /** The sizes of bodies, in bytes. */
  readonly sizes: ReadonlyArray<number>
}

/** What one round of a contender was. */
interface Turn {
  readonly perSecond: number
  /** The time of this process, in microseconds a job. */
  readonly cpu: number
  readonly p50: number
  readonly p99: number
}

/** What came of a contest. */
export class Outcome {
  readonly contest: Contest
  private readonly turns: ReadonlyMap<string, ReadonlyArray<Turn>>

  constructor(contest: Contest, turns: ReadonlyMap<string, ReadonlyArray<Turn>>) {
    this.contest = contest
    this.turns = turns
  }

  median(contender: string, of: keyof Turn): number {
    return median(this.of(contender).map((turn) => turn[of]))
  }

  /** The median of the figures of `contender` as shares of those of `other` in the same rounds: rates unless said otherwise. */
  ratio(contender: string, other: string, of: keyof Turn = "perSecond"): number {
    const others = this.of(other)
    return median(this.of(contender).map((turn, i) => turn[of] / (others[i]?.[of] ?? Number.NaN)))
  }

  /** The fastest of the contenders named. */
  fastest(names: ReadonlyArray<string>): string {
    return names.reduce((best, name) => (this.median(name, "perSecond") > this.median(best, "perSecond") ? name : best))
  }

  /** The rates of `contender` as a share of those of the fastest of the contenders named. */
  shareOfFastest(contender: string, names: ReadonlyArray<string>): number {
    return this.ratio(contender, this.fastest(names))
  }

  private of(contender: string): ReadonlyArray<Turn> {
    const turns = this.turns.get(contender)
    if (turns === undefined) throw new Error(`"${contender}" takes no part in "${this.contest.title}".`)
    return turns
  }
}

/** So much of a number of jobs, in whole hundreds: that is how many one call fetches. */
export const partOf = (jobs: number, { share }: Effort): number => Math.max(1, Math.ceil((jobs * share) / 100)) * 100

const turn = async (contest: Contest, contender: Contender, jobs: number): Promise<Turn> => {
  await contest.before?.(jobs, contender.name)
  // Nobody pays for what another one left.
  collectYoung()
  const latencies: Array<number> = []
  const usage = process.cpuUsage()
  const started = performance.now()
  await contender.run(jobs, (millis) => latencies.push(millis))
  const millis = performance.now() - started
  const { system, user } = process.cpuUsage(usage)
  await contest.after?.(contender.name)
  return {
    perSecond: (jobs * 1000) / millis,
    cpu: (user + system) / jobs,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99)
  }
}

export const hold = async (contest: Contest, effort: Effort): Promise<Outcome> => {
  const { contenders } = contest
  const jobs = partOf(contest.jobs, effort)
  const turns = new Map<string, Array<Turn>>(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < effort.warmUps + effort.rounds; round++) {
    // Each of them is first in turn.
    const first = round % contenders.length
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      const measured = await turn(contest, contender, jobs)
      if (round >= effort.warmUps) turns.get(contender.name)?.push(measured)
    }
  }
  return new Outcome(contest, turns)
}
