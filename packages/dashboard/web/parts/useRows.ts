/** Which rows of a long table are on the screen: only those are rendered. Rows have one height each, which CSS says. */
import type { RefObject } from "preact"
import { useEffect, useRef, useState } from "preact/hooks"
import { isNarrow } from "./narrow.js"

/** Heights of rows in table.css. */
const rowHeight = (): number => (isNarrow() ? 52 : 36)

export interface Rows {
  readonly body: RefObject<HTMLTableSectionElement | null>
  readonly from: number
  readonly to: number
  readonly above: number
  readonly below: number
  /** Scrolls so that a row can be seen. */
  readonly reveal: (row: number) => void
}

const around = 8

export const useRows = (total: number): Rows => {
  const body = useRef<HTMLTableSectionElement>(null)
  const [range, setRange] = useState({ from: 0, to: 60, height: rowHeight() })
  useEffect(() => {
    let frame = 0
    const measure = () => {
      frame = 0
      const top = body.current?.getBoundingClientRect().top ?? 0
      const height = rowHeight()
      const from = Math.max(0, Math.floor(-top / height) - around)
      const to = Math.ceil((innerHeight - top) / height) + around
      setRange((before) =>
        before.from === from && before.to === to && before.height === height ? before : { from, to, height }
      )
    }
    const soon = () => {
      frame ||= requestAnimationFrame(measure)
    }
    measure()
    addEventListener("scroll", soon, { passive: true })
    addEventListener("resize", soon)
    return () => {
      cancelAnimationFrame(frame)
      removeEventListener("scroll", soon)
      removeEventListener("resize", soon)
    }
  }, [])
  const to = Math.min(total, range.to)
  const from = Math.max(0, Math.min(range.from, to))
  return {
    body,
    from,
    to,
    above: from * range.height,
    below: (total - to) * range.height,
    reveal: (row) => {
      const top = (body.current?.getBoundingClientRect().top ?? 0) + row * range.height
      if (top < 80) scrollBy(0, top - 80)
      else if (top + range.height > innerHeight - 20) scrollBy(0, top + range.height - innerHeight + 20)
    }
  }
}
