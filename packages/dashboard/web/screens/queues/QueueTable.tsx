/** The list of queues. Only the rows that can be seen are rendered. */
import { useEffect, useRef, useState } from "preact/hooks"
import type { QueueOrder, QueueRow } from "../../../src/api/queues.js"
import { age, brief, count, rate } from "../../format.js"
import { listen } from "../../keys.js"
import { Badges, pauseWords } from "../../parts/Badges.js"
import { Space } from "../../parts/Space.js"
import { Sparkline } from "../../parts/Sparkline.js"
import type { Rows } from "../../parts/useRows.js"
import { Name } from "../../parts/Visible.js"
import { queueAddress, refine } from "../../router.js"
import { cut, printable } from "../../text.js"

interface Props {
  readonly visible: Rows
  readonly rows: ReadonlyMap<number, QueueRow>
  readonly total: number
  readonly order: QueueOrder
  readonly direction: "up" | "down" | undefined
  readonly onPause: ((queue: QueueRow) => void) | undefined
}

const columns: ReadonlyArray<readonly [QueueOrder, string, string]> = [
  ["length", "Length", "num w-length"],
  ["oldest", "Oldest", "num w-age"],
  ["in", "In/s", "num w-rate"],
  ["out", "Out/s", "num w-rate optional-1"],
  ["blocked", "Clients waiting", "num w-blocked optional-1"]
]

const SortHead = ({
  className = "",
  column,
  direction,
  label,
  order
}: Pick<Props, "direction" | "order"> & { column: QueueOrder; label: string; className?: string }) => {
  const isSorted = order === column
  const usual = column === "name" ? "up" : "down"
  const now = isSorted ? (direction ?? usual) : undefined
  const next = now === usual ? (usual === "up" ? "down" : "up") : usual
  return (
    <th
      scope="col"
      class={className}
      {...(now === undefined ? {} : { "aria-sort": now === "up" ? "ascending" : "descending" })}
    >
      <button
        type="button"
        onClick={() => refine({ order: column, direction: isSorted && next !== usual ? next : undefined })}
      >
        {label}
        {now !== undefined && <span aria-hidden="true">{now === "up" ? "↑" : "↓"}</span>}
      </button>
    </th>
  )
}

/** A figure, fainter if it is nothing. */
const Rate = ({ value }: { readonly value: number | null }) => (
  <span class={value === null || value === 0 ? "dim" : ""}>{rate(value)}</span>
)

export const pausedWhere = ({ pause, pausedOn }: Pick<QueueRow, "pause" | "pausedOn">): string =>
  pause === "none"
    ? ""
    : `${pauseWords[pause]} on ${pausedOn.length === 1 ? pausedOn[0]?.node : `${pausedOn.length} nodes`}`

const under = (row: QueueRow): string => [...row.badges, `in ${rate(row.in)}/s, out ${rate(row.out)}/s`].join(" · ")

const QueueLine = ({ index, onPause, row }: Pick<Props, "onPause"> & { index: number; row: QueueRow }) => (
  <tr class="row" aria-rowindex={index + 2}>
    <th scope="row" class="row-head">
      <span class="name-cell">
        <a class="cell-link" data-row={index} href={queueAddress(row.name)}>
          <Name text={row.name} />
        </a>
        <Badges badges={row.badges} place="beside" />
      </span>
      <span class="under">{under(row)}</span>
    </th>
    <td class="num">
      <span class={row.length === 0 ? "dim" : ""}>{count(row.length)}</span>
    </td>
    <td class="num">{row.oldestMillis === null ? <span class="dim">–</span> : age(row.oldestMillis / 1000)}</td>
    <td class="num optional-1">
      <Rate value={row.in} />
    </td>
    <td class="num optional-1">
      <Rate value={row.out} />
    </td>
    <td class="num optional-1">
      <span class={row.blocked === 0 ? "dim" : ""}>{count(row.blocked)}</span>
    </td>
    <td class="optional-2">
      <Sparkline values={row.sparkline} label={`Length in the last five minutes, now ${brief(row.length)}`} />
    </td>
    <td class="optional-2">
      <span class="warn" title={row.pausedOn.map(({ node, pause }) => `${pauseWords[pause]} on ${node}`).join(", ")}>
        {pausedWhere(row)}
      </span>
      {onPause !== undefined && (
        <button
          type="button"
          class="ghost small on-hover"
          aria-label={`Pause or resume ${printable(cut(row.name, 100))}`}
          onClick={() => onPause(row)}
        >
          {row.pause === "none" ? "Pause…" : "Resume…"}
        </button>
      )}
    </td>
  </tr>
)

/** j and k move through the rows, and scroll where they end. */
const useRowKeys = ({ reveal }: Rows, total: number): void => {
  const [focused, setFocused] = useState<number>()
  const wanted = useRef<{ readonly row: number; readonly from: Element | null } | undefined>(undefined)
  // The row may be rendered only after the scroll, or when the queues arrive. Whoever goes elsewhere meanwhile stays there.
  const follow = () => {
    if (wanted.current === undefined) return
    const { from, row } = wanted.current
    const { activeElement, body } = document
    const isElsewhere = activeElement !== from && activeElement !== body
    const target = document.querySelector<HTMLElement>(`[data-row="${row}"]`)
    if (target === null && !isElsewhere) return
    wanted.current = undefined
    if (!isElsewhere) target?.focus()
  }
  useEffect(follow)
  useEffect(() => {
    const move = (by: number) => {
      const from = document.activeElement
      const active = from?.getAttribute("data-row")
      const now = active === null || active === undefined ? focused : Number(active)
      const next = now === undefined ? 0 : Math.max(0, Math.min(total - 1, now + by))
      wanted.current = { row: next, from }
      reveal(next)
      setFocused(next)
      follow()
    }
    return listen({ j: () => move(1), k: () => move(-1) })
  }, [focused, reveal, total])
}

export const QueueTable = ({ direction, onPause, order, rows, total, visible }: Props) => {
  useRowKeys(visible, total)
  const shown = Array.from({ length: visible.to - visible.from }, (_, i) => visible.from + i)
  return (
    <table class="sticky-head tall queue-table" aria-rowcount={total + 1} aria-label="Queues">
      <thead>
        <tr>
          <SortHead column="name" label="Queue" order={order} direction={direction} />
          {columns.map(([column, label, className]) => (
            <SortHead
              key={column}
              column={column}
              label={label}
              className={column === "in" ? `${className} optional-1` : className}
              order={order}
              direction={direction}
            />
          ))}
          <th scope="col" class="w-line optional-2">
            Last 5 minutes
          </th>
          <th scope="col" class="w-pause optional-2">
            {order === "problems" ? (
              "Paused"
            ) : (
              <button type="button" onClick={() => refine({ order: undefined, direction: undefined })}>
                Problems first
              </button>
            )}
          </th>
        </tr>
      </thead>
      <tbody ref={visible.body}>
        <Space height={visible.above} />
        {shown.map((index) => {
          const row = rows.get(index)
          return row === undefined ? (
            <tr key={`wait ${index}`} class="row" aria-rowindex={index + 2}>
              <td colSpan={8} class="dim">
                …
              </td>
            </tr>
          ) : (
            <QueueLine key={row.name} index={index} row={row} onPause={onPause} />
          )
        })}
        <Space height={visible.below} />
      </tbody>
    </table>
  )
}
