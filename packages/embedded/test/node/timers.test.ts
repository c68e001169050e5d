import { assert, describe, it } from "@effect/vitest"
import { Random } from "../../src/internal/node/random.js"
import { Alarm, TimerHeap } from "../../src/internal/node/timers.js"

describe("TimerHeap", () => {
  it("gives back items in the order in which they are due, through moves and removals", () => {
    const random = new Random(3)
    const heap = new TimerHeap<Alarm>()
    const model = new Map<Alarm, number>()
    for (let i = 0; i < 5000; i++) {
      const known = [...model.keys()]
      const alarm = random.below(3) === 0 ? known[random.below(known.length || 1)] : new Alarm(() => {})
      if (alarm === undefined) continue
      if (random.below(4) === 0) {
        heap.remove(alarm)
        model.delete(alarm)
      } else {
        const at = random.below(1000)
        heap.set(alarm, at)
        model.set(alarm, at)
      }
    }
    const times: Array<number> = []
    for (let alarm = heap.take(1000); alarm !== undefined; alarm = heap.take(1000)) {
      times.push(model.get(alarm) ?? -1)
    }
    assert.deepStrictEqual(
      times,
      [...model.values()].sort((a, b) => a - b)
    )
  })

  it("takes nothing before it is due", () => {
    const heap = new TimerHeap<Alarm>()
    heap.set(new Alarm(() => {}), 10)
    assert.isUndefined(heap.take(9))
    assert.isDefined(heap.take(10))
    assert.strictEqual(heap.next, Number.POSITIVE_INFINITY)
  })
})
