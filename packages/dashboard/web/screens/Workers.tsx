/** Workers that report, of this program and of others. */
import type { WorkerRow } from "../../src/api/workers.js"
import { age, count, counted, perSecond, rate } from "../format.js"
import { serverNow, useLive } from "../live.js"
import { Choice } from "../parts/Choice.js"
import { Tiles } from "../parts/Figures.js"
import { Empty, Loading } from "../parts/Loading.js"
import { type Columns, Table } from "../parts/Table.js"
import { Name, Visible } from "../parts/Visible.js"
import { place, queueAddress, refine } from "../router.js"

/** A GETJOB ends within 10 seconds, jobs or not: a worker whose last one is older does not get through. */
const lateFetch = 30_000

const since = (at: number): string => `${age(Math.max(0, serverNow() - at) / 1000)} ago`

const fits = (worker: WorkerRow, search: string): boolean =>
  `${worker.queue}\n${worker.program}`.toLowerCase().includes(search.toLowerCase())

const Health = ({ worker }: { readonly worker: WorkerRow }) =>
  worker.isStale ? (
    <span class="badge bad" title="Its next report is overdue: the process may have ended.">
      silent for {age(Math.max(0, serverNow() - worker.reportedAt) / 1000)}
    </span>
  ) : worker.isPaused ? (
    <span class="badge">paused</span>
  ) : worker.lastFetchMillis === null || worker.lastFetchMillis > lateFetch ? (
    <span class="badge warn">does not fetch</span>
  ) : (
    <span class="badge good">works</span>
  )

/** A count of what is not as it should be; fainter if there is none. */
const Trouble = ({ tone, value }: { readonly tone: "warn" | "bad"; readonly value: number }) => (
  <span class={value > 0 ? tone : "dim"}>{count(value)}</span>
)

const columns: Columns<WorkerRow> = [
  {
    head: "Queue",
    cell: (worker) => (
      <>
        <span class="name-cell">
          <a class="cell-link" href={queueAddress(worker.queue)}>
            <Name text={worker.queue} />
          </a>
          <span class="badges beside">
            <Health worker={worker} />
          </span>
        </span>
        <span class="under">
          <Health worker={worker} /> <Visible text={worker.program} />
        </span>
      </>
    )
  },
  {
    head: "Program",
    look: "optional-1",
    title: ({ startedAt }) => `started ${since(startedAt)}`,
    cell: ({ program }) => (program === "" ? <span class="dim">–</span> : <Visible text={program} />)
  },
  {
    head: "Busy",
    look: "num w-length",
    cell: ({ busy, concurrency }) => (
      <>
        {count(busy)} <span class="dim">of {count(concurrency)}</span>
      </>
    )
  },
  { head: "Jobs/s", look: "num w-rate", cell: (worker) => rate(worker.rate) },
  { head: "Done", look: "num w-length optional-1", cell: ({ succeeded }) => count(succeeded) },
  { head: "Failed", look: "num w-rate optional-1", cell: ({ failed }) => <Trouble tone="warn" value={failed} /> },
  { head: "Given up", look: "num w-rate optional-2", cell: ({ dead }) => <Trouble tone="bad" value={dead} /> },
  {
    head: "Leases lost",
    look: "num w-length optional-2",
    cell: ({ leasesLost }) => <Trouble tone="warn" value={leasesLost} />
  },
  {
    head: "Last fetch",
    look: "num w-length optional-2",
    cell: ({ lastFetchMillis, reportedAt }) =>
      lastFetchMillis === null ? "never" : `${age((lastFetchMillis + serverNow() - reportedAt) / 1000)} ago`
  }
]

export const Workers = () => {
  const { data: answer } = useLive("workers", {})
  if (answer === undefined) return <Loading />
  const { reportMillis, workers } = answer
  const { query } = place.value
  const search = query.search ?? ""
  const shown = workers.filter((worker) => fits(worker, search) && (query.show !== "silent" || worker.isStale))
  const silent = workers.filter(({ isStale }) => isStale).length
  const running = workers.filter(({ isStale }) => !isStale)
  return (
    <>
      <header class="page-head">
        <h1>Workers</h1>
      </header>
      <Tiles
        label="All workers"
        figures={[
          { label: "Workers", value: count(running.length), note: silent > 0 ? `${count(silent)} silent` : undefined },
          {
            label: "Busy",
            value: count(running.reduce((sum, { busy }) => sum + busy, 0)),
            note: `of ${count(running.reduce((sum, { concurrency }) => sum + concurrency, 0))}`
          },
          { label: "Jobs", value: `${perSecond(running.reduce((sum, { rate }) => sum + (rate ?? 0), 0))}/s` },
          {
            label: "Failed",
            value: count(workers.reduce((sum, { failed }) => sum + failed, 0)),
            note: "since they started"
          },
          { label: "Leases lost", value: count(workers.reduce((sum, { leasesLost }) => sum + leasesLost, 0)) }
        ]}
      />
      <div class="filters">
        <input
          class="search"
          type="search"
          data-search
          aria-label="Search workers by queue or program"
          placeholder="Search: queue or program"
          autocomplete="off"
          spellcheck={false}
          maxLength={1000}
          value={search}
          onInput={(event) => refine({ search: event.currentTarget.value })}
        />
        <Choice
          label="Which workers"
          value={query.show === "silent" ? "silent" : undefined}
          options={[
            [undefined, "All"],
            ["silent", `Silent ${count(silent)}`]
          ]}
          onChange={(show) => refine({ show })}
        />
      </div>
      <section class="card table-card" aria-label="Workers">
        {workers.length === 0 ? (
          <Empty title="No worker reports">
            <p>
              Workers report if their program says so: add <code>Worker.Reporting.layer</code> to it. It costs the
              broker at most one job for each worker in {age(reportMillis / 1000)}.
            </p>
          </Empty>
        ) : shown.length === 0 ? (
          <Empty title="No worker fits" />
        ) : (
          <Table
            label="Workers"
            look="sticky-head tall worker-table"
            columns={columns}
            rows={shown}
            keyOf={({ id }) => id}
          />
        )}
        {workers.length > 0 && (
          <footer class="table-foot">
            <span>{counted(shown.length, "worker")}</span>
            <span>figures since each worker started; they report every {age(reportMillis / 1000)}</span>
          </footer>
        )}
      </section>
    </>
  )
}
