import { assert, describe, it } from "@effect/vitest"
import type { History, QueueFigures } from "../../src/api/queues.js"
import { paths } from "../../web/parts/line.js"
import { Tracks } from "../../web/screens/queue/tracks.js"

const every = (millis: number, count: number) => Array.from({ length: count }, (_, i) => 1_800_000_000_000 + i * millis)

const historyOf = (length: ReadonlyArray<number | null>): History => {
  const at = every(5000, length.length)
  return { startedAt: at[0] ?? 0, at, length, in: length, out: length }
}

const unknown = (count: number): ReadonlyArray<null> => Array.from({ length: count }, () => null)

describe("what was measured while nobody looked", () => {
  it("is one line on the chart, and a longer time without a figure is a gap in it", () => {
    const tracks = new Tracks()
    tracks.begin(historyOf([1, ...unknown(5), 2, ...unknown(5), 3, ...unknown(20), 4]))
    const shown = tracks.since(0)
    assert.deepStrictEqual(
      shown.length.filter((value, i) => value !== null || shown.length[i - 1] !== null),
      [1, 2, 3, null, 4]
    )
    assert.strictEqual(shown.length.indexOf(2), 1)
    assert.strictEqual(shown.at.length, shown.out.length)
    tracks.push((shown.at.at(-1) ?? 0) + 2000, { length: 5, in: 0, out: 0 } as QueueFigures)
    assert.strictEqual(tracks.since(0).length.at(-1), 5)
  })

  it("is one line in a row of the list too", () => {
    const lines = (values: ReadonlyArray<number | null>) => paths(values, 5).line.split("M").length - 1
    assert.strictEqual(lines([1, ...unknown(5), 2, ...unknown(6), 3]), 1)
    assert.strictEqual(lines([1, 2, ...unknown(12), 3, 4]), 2)
    assert.strictEqual(lines([...unknown(30), 3, 4]), 1)
  })
})
