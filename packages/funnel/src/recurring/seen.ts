/** The times of day whose ticks have been seen to, so that none comes twice where the clock is set back. */

interface Span {
  /** Not itself in the span. */
  readonly from: number
  readonly to: number
}

// There is more than one span where ticks were missed, or where the clock was set to a time before the first of them.
const mostSpans = 100

export class Seen {
  private spans: ReadonlyArray<Span> = []

  add(from: number, to: number): void {
    let whole: Span = { from, to }
    const apart: Array<Span> = []
    for (const span of this.spans) {
      if (span.to < whole.from || span.from > whole.to) apart.push(span)
      else whole = { from: Math.min(span.from, whole.from), to: Math.max(span.to, whole.to) }
    }
    this.spans = [...apart.slice(-(mostSpans - 1)), whole]
  }

  /** The end of the span that a time is in. */
  endAt(time: number): number | undefined {
    return this.spans.find((span) => span.from < time && time <= span.to)?.to
  }
}
