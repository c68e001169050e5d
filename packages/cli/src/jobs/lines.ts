/** Lines of bytes, whose pieces come as they come. */
import * as Stream from "effect/Stream"

export interface Line {
  /** Which line it is, from 1. */
  readonly number: number
  /** Without its end; undefined if the line is too long. */
  readonly body: Uint8Array | undefined
}

const lf = 0x0a
const cr = 0x0d

class Splitter {
  private number = 0
  private parts: Array<Uint8Array> = []
  private length = 0
  private readonly most: number

  constructor(most: number) {
    this.most = most
  }

  push(bytes: Uint8Array): ReadonlyArray<Line> {
    const lines: Array<Line> = []
    let at = 0
    for (let end = bytes.indexOf(lf); end >= 0; end = bytes.indexOf(lf, at)) {
      this.keep(bytes.subarray(at, end))
      lines.push(this.take())
      at = end + 1
    }
    this.keep(bytes.subarray(at))
    return lines
  }

  end(): ReadonlyArray<Line> {
    return this.length === 0 ? [] : [this.take()]
  }

  // Nothing is kept of a line that is too long.
  private keep(part: Uint8Array): void {
    if (part.length === 0) return
    this.length += part.length
    if (this.length > this.most) this.parts = []
    else this.parts.push(part)
  }

  private take(): Line {
    this.number += 1
    const [first = new Uint8Array(), ...others] = this.parts
    const whole = others.length === 0 ? first : Buffer.concat(this.parts)
    const body = whole.at(-1) === cr ? whole.subarray(0, -1) : whole
    const line = { number: this.number, body: this.length > this.most ? undefined : body }
    this.parts = []
    this.length = 0
    return line
  }
}

/**
 * The lines of a stream, each of `most` bytes at most. A line ends with a line feed, before which a carriage return may stand. The last
 * line needs no end.
 */
export const lines = <E, R>(bytes: Stream.Stream<Uint8Array, E, R>, most: number): Stream.Stream<Line, E, R> =>
  Stream.suspend(() => {
    const splitter = new Splitter(most)
    return Stream.concat(
      Stream.mapConcat(bytes, (piece) => splitter.push(piece)),
      Stream.suspend(() => Stream.fromIterable(splitter.end()))
    )
  })
