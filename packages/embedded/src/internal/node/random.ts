/** A small seeded generator (sfc32): the only source of chance of the embedded nodes. */
export class Random {
  private a = 0
  private b: number
  private c: number
  private counter = 1

  constructor(seed: number) {
    this.b = seed | 0
    this.c = Math.floor(seed / 0x1_0000_0000) | 0
    // The first outputs of close seeds resemble each other.
    for (let i = 0; i < 15; i++) this.next()
  }

  /** 32 random bits as an unsigned integer. */
  next(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** An integer of `[0, limit)`. */
  below(limit: number): number {
    return this.next() % limit
  }

  /** A random error of ± `spread` / 2, so that nodes do not queue the same job at the same time. */
  error(spread: number): number {
    return this.below(spread) - (spread >>> 1)
  }

  /** `length` random hexadecimal digits. */
  hex(length: number): string {
    let digits = ""
    while (digits.length < length) digits += this.next().toString(16).padStart(8, "0")
    return digits.slice(0, length)
  }
}
