/** So many in a time, spread over it where they come thick. */
export class Pace {
  private readonly tickMillis: number
  private readonly burstMillis: number
  private next = 0

  constructor(limit: number, intervalMillis: number) {
    this.tickMillis = intervalMillis / limit
    this.burstMillis = intervalMillis - this.tickMillis
  }

  /** Takes so many turns, and gives how long to wait for the last of them. */
  reserve(now: number, turns: number): number {
    const first = Math.max(this.next, now - this.burstMillis)
    this.next = first + turns * this.tickMillis
    return Math.max(0, first + (turns - 1) * this.tickMillis - now)
  }
}
