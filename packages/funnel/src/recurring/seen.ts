/** The times of day whose ticks have been handled, so that no tick comes twice when the clock is set back. */

interface Span {
  /** The span begins after this time. */
  readonly from: number
  readonly to: number
}

// There is more than one span if ticks were missed, or if the clock was set to a time before the first span.
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

  /** The end of the span that holds a time. */
  endAt(time: number): number | undefined {
    return this.spans.find((span) => span.from < time && time <= span.to)?.to
  }
}
