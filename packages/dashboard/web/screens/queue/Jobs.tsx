/** The jobs of a queue: those at its head, or those in a state. */
import type { Head, HeadJob, JobRow, JobsPage } from "../../../src/api/jobs.js"
import type { Body, JobState } from "../../../src/api/values.js"
import { age, counted, size } from "../../format.js"
import { serverNow } from "../../live.js"
import { stateTone, stateWords } from "../../parts/Badges.js"
import { Choice } from "../../parts/Choice.js"
import { Empty, Failed, Missing } from "../../parts/Loading.js"
import { type Columns, Table } from "../../parts/Table.js"
import { useAnswer } from "../../parts/useAnswer.js"
import { Visible } from "../../parts/Visible.js"
import { jobAddress, place, refine } from "../../router.js"
import { cut } from "../../text.js"

type View = "head" | "newest" | JobState

const views: ReadonlyArray<readonly [View, string]> = [
  ["head", "Next"],
  ["newest", "Last"],
  ["queued", "Queued"],
  ["active", "Active"],
  ["wait-repl", "Waiting for copies"],
  ["acked", "Acknowledged"]
]

/** The beginning of a body in a line. */
export const Preview = ({ body, most = 120 }: { readonly body: Body | null; readonly most?: number }) => {
  if (body === null) return <span class="dim">only its acknowledgement is known</span>
  if (body.content === null) return <span class="dim">hidden, {size(body.bytes)}</span>
  if (body.bytes === 0) return <span class="dim">(empty)</span>
  if (body.encoding === "base64") return <span class="dim">{size(body.bytes)}, not text</span>
  return (
    <code>
      <Visible text={cut(body.content, most)} />
    </code>
  )
}

interface Line {
  readonly id: string
  readonly node: string
  readonly body: Body | null
  readonly row: JobRow | undefined
}

const linesOf = (head: ReadonlyArray<HeadJob>, rows: ReadonlyArray<JobRow>): ReadonlyArray<Line> => [
  ...head.map((job) => ({ ...job, row: undefined })),
  ...rows.map((row) => ({ ...row, row }))
]

const columns: Columns<Line> = [
  {
    head: "Job",
    look: "w-id",
    cell: ({ id, row }) => (
      <>
        <a class="mono" href={jobAddress(id)}>
          {id}
        </a>
        {row !== undefined && (
          <span class="job-facts dim">
            <span class={`badge ${stateTone[row.state]}`}>{stateWords[row.state]}</span>
            {row.ageMillis === null ? "" : ` ${age(row.ageMillis / 1000)} old`}
            {row.nacks + row.additionalDeliveries > 0 &&
              `, ${counted(row.nacks, "nack")}, ${counted(row.additionalDeliveries, "more delivery", "more deliveries")}`}
          </span>
        )}
      </>
    )
  },
  { head: "Body", cell: ({ body }) => <Preview body={body} /> },
  { head: "Node", look: "w-node optional-1", cell: ({ node }) => <span class="mono dim">{node}</span> }
]

const nothing: Readonly<Record<View, string>> = {
  head: "No job waits",
  newest: "No job waits",
  queued: "No job is queued",
  active: "No job is active",
  "wait-repl": "No job waits for its copies",
  acked: "No acknowledged job is known"
}

const limits = { head: { first: 10, most: 50 }, jobs: { first: 50, most: 200 } } as const

export const Jobs = ({ name }: { readonly name: string }) => {
  const { query } = place.value
  const view = views.find(([each]) => each === query.jobs)?.[0] ?? "head"
  const isHead = view === "head" || view === "newest"
  const { first, most } = isHead ? limits.head : limits.jobs
  const limit = Math.max(first, Math.min(most, Number(query.show) || first))
  const { data, error, isLoading, reload } = useAnswer<Head | JobsPage>(
    isHead ? "queue/head" : "queue/jobs",
    isHead ? { name, count: limit, from: view === "head" ? "oldest" : "newest" } : { name, state: view, limit }
  )
  const rows = data !== undefined && "isComplete" in data ? data : undefined
  const lines = data === undefined ? [] : rows === undefined ? linesOf((data as Head).jobs, []) : linesOf([], rows.jobs)
  const mayHaveMore = limit < most && (rows === undefined ? lines.length >= limit : !rows.isComplete)
  return (
    <section class="card" aria-label="Jobs">
      <header>
        <Choice
          label="Which jobs"
          value={view}
          options={views}
          onChange={(each) => refine({ jobs: each === "head" ? undefined : each, show: undefined })}
        />
        <button type="button" class="ghost small push" disabled={isLoading} onClick={reload}>
          {isLoading ? "Looking…" : "Look again"}
        </button>
      </header>
      {error !== undefined && (
        <div class="inside">
          <Failed message={error} retry={reload} />
        </div>
      )}
      {data !== undefined && data.failures.length > 0 && (
        <div class="inside">
          <Missing failures={data.failures} />
        </div>
      )}
      {data !== undefined && lines.length === 0 ? (
        <Empty title={nothing[view]} />
      ) : lines.length > 0 ? (
        <Table
          label="Jobs"
          look="jobs-table tall"
          columns={columns}
          rows={lines}
          keyOf={({ id, node }) => `${id} ${node}`}
        />
      ) : null}
      {data !== undefined && (
        <footer class="table-foot">
          <span>
            {isHead && lines.length > 0 ? "in the order of each node, " : ""}
            looked {age(Math.max(0, serverNow() - data.at) / 1000)} ago
          </span>
          {mayHaveMore && (
            <button
              type="button"
              class="small push"
              onClick={() => refine({ show: String(Math.min(most, limit * 4)) })}
            >
              Show more
            </button>
          )}
          {rows !== undefined && !rows.isComplete && limit >= most && (
            <span class="push">there are more: disco jobs lists them all</span>
          )}
        </footer>
      )}
    </section>
  )
}
