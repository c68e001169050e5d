/** All queues: those with problems first, unless the viewer wants another order. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks"
import type { Badge, QueueOrder, QueueRow, QueuesPage } from "../../src/api/queues.js"
import { session } from "../api.js"
import { age, count, counted, perSecond } from "../format.js"
import { useLive } from "../live.js"
import { Choice } from "../parts/Choice.js"
import { Tiles } from "../parts/Figures.js"
import { Empty, Loading } from "../parts/Loading.js"
import { PauseAction } from "../parts/PauseAction.js"
import { Search } from "../parts/Search.js"
import { Since } from "../parts/Since.js"
import { useRows } from "../parts/useRows.js"
import { place, queuesAddress, refine } from "../router.js"
import { Groups } from "./queues/Groups.js"
import { QueueTable } from "./queues/QueueTable.js"

const badges: ReadonlyArray<Badge> = ["no consumers", "partly paused", "paused", "growing"]

/** Rows are asked for in windows of this many. */
const step = 50

/** What the address says; what it says wrongly is as if it were not there. */
const filters = () => {
  const { badge, direction, order, prefix, search, view } = place.value.query
  return {
    search: search ?? "",
    prefix,
    badge: badges.find((each) => each === badge),
    order: orders.find((each) => each === order),
    direction: directions.find((each) => each === direction),
    isGrouped: view === "groups"
  }
}

const directions = ["up", "down"] as const

const orders: ReadonlyArray<QueueOrder> = ["problems", "name", "length", "oldest", "in", "out", "blocked"]

const rateOf = (value: number | null): string => (value === null ? "–" : `${perSecond(value)}/s`)

const Totals = ({ page }: { readonly page: QueuesPage }) => {
  const { totals } = page
  return (
    <Tiles
      label="All queues"
      figures={[
        { label: "Queues", value: count(totals.queues) },
        { label: "Jobs waiting", value: count(totals.length) },
        { label: "Oldest", value: totals.oldestMillis === null ? "–" : age(totals.oldestMillis / 1000) },
        { label: "In", value: rateOf(totals.in) },
        { label: "Out", value: rateOf(totals.out) },
        { label: "Clients waiting", value: count(totals.blocked) }
      ]}
    />
  )
}

/** The rows that were pushed, by their place in the list: those of the last windows, so that scrolling shows no holes. */
const useKnownRows = (key: string, page: QueuesPage | undefined, offset: number | undefined) => {
  const known = useRef({ key, rows: new Map<number, QueueRow>() })
  return useMemo(() => {
    if (known.current.key !== key) known.current = { key, rows: new Map() }
    const { rows } = known.current
    page?.queues.forEach((row, i) => rows.set((offset ?? 0) + i, row))
    if (page !== undefined) for (const at of rows.keys()) if (at >= page.matching) rows.delete(at)
    if (rows.size > 1000) {
      for (const at of rows.keys()) if (Math.abs(at - (offset ?? 0)) > 500) rows.delete(at)
    }
    return rows
  }, [key, page, offset])
}

export const Queues = () => {
  const { badge, direction, isGrouped, order, prefix, search } = filters()
  const key = JSON.stringify([search, prefix, badge, order, direction])
  const [window, setWindow] = useState({ key, offset: 0 })
  const offset = window.key === key ? window.offset : 0
  const params = { search, prefix, badge, order, direction, offset, limit: isGrouped ? 1 : step * 3 }
  const { data: page, params: shown } = useLive("queues", params)
  const isShown = JSON.stringify([shown?.search, shown?.prefix, shown?.badge, shown?.order, shown?.direction]) === key
  const rows = useKnownRows(key, isShown && !isGrouped ? page : undefined, shown?.offset)
  const total = isShown ? (page?.matching ?? 0) : 0
  const visible = useRows(total)
  const [pausing, setPausing] = useState<QueueRow>()

  // The window follows the rows on the screen, once scrolling has come to rest.
  const wanted = Math.max(0, Math.floor(visible.from / step) * step - step)
  useEffect(() => {
    if (wanted === offset) return
    const timer = setTimeout(() => setWindow({ key, offset: wanted }), 120)
    return () => clearTimeout(timer)
  }, [wanted, offset, key])

  if (page === undefined) return <Loading />
  const isFiltered = search !== "" || prefix !== undefined || badge !== undefined
  return (
    <>
      <header class="page-head">
        <h1>Queues</h1>
        {!page.isComplete && <span class="badge warn">still counting: there are very many</span>}
      </header>
      <Totals page={page} />
      <div class="filters">
        <Search
          value={search}
          label="Search queues by name"
          placeholder="Search: part of a name, or mail*"
          onChange={(text) => refine({ search: text })}
        />
        <Choice
          label="Only queues with"
          value={badge}
          options={[
            [undefined, "All"],
            ...badges
              .filter((each) => page.totals.badges[each] > 0 || each === badge)
              .map((each) => [each, `${each} ${count(page.totals.badges[each])}`] as const)
          ]}
          onChange={(badge) => refine({ badge })}
        />
        {prefix !== undefined && (
          <button type="button" class="small" onClick={() => refine({ prefix: undefined })}>
            <span class="mono">{prefix}*</span> <span aria-hidden="true">✕</span>
            <span class="hidden-text">show all groups</span>
          </button>
        )}
        <Choice
          label="Show"
          place="push"
          value={isGrouped ? "groups" : undefined}
          options={[
            [undefined, "List"],
            ["groups", "By prefix"]
          ]}
          onChange={(view) => refine({ view, prefix: undefined })}
        />
      </div>
      {isGrouped ? (
        <Groups groups={page.groups} />
      ) : (
        <section class="card table-card" aria-label="Queues">
          {isShown && total === 0 ? (
            isFiltered ? (
              <Empty title="No queue fits">
                <a href={queuesAddress()}>Show all queues</a>
              </Empty>
            ) : (
              <Empty title="No queues yet">
                <p>A queue is there as soon as a job is added to it, or a consumer waits for one.</p>
              </Empty>
            )
          ) : (
            <QueueTable
              visible={visible}
              rows={rows}
              total={total}
              order={order ?? "problems"}
              direction={direction}
              onPause={session.value?.isReadOnly === false ? setPausing : undefined}
            />
          )}
          <footer class="table-foot">
            <span>{counted(total, "queue")}</span>
            <Since />
          </footer>
        </section>
      )}
      {pausing !== undefined && <PauseAction queue={pausing} onClose={() => setPausing(undefined)} />}
    </>
  )
}
