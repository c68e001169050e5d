/** The jobs that workers gave up: those of all queues, or the letters of one. */
import { useState } from "preact/hooks"
import type { DeadLetter, DeadLetters, DeadQueue, DeadReason, DeadSelection } from "../../src/api/workers.js"
import { session } from "../api.js"
import { age, count, counted } from "../format.js"
import { useLive } from "../live.js"
import { Choice } from "../parts/Choice.js"
import { CommandLine } from "../parts/Copy.js"
import { Empty, Failed, Loading } from "../parts/Loading.js"
import { Search } from "../parts/Search.js"
import { type Columns, Table } from "../parts/Table.js"
import { useAnswer } from "../parts/useAnswer.js"
import { Name, Visible } from "../parts/Visible.js"
import { deadAddress, place, queueAddress, refine } from "../router.js"
import { command } from "../text.js"
import { DeadAction } from "./dead/DeadAction.js"
import { LetterList } from "./dead/LetterList.js"

const reasons: ReadonlyArray<DeadReason> = ["failed", "crashed", "undecodable"]

const columns: Columns<DeadQueue> = [
  {
    head: "Queue",
    cell: ({ queue }) => (
      <a class="cell-link" href={deadAddress({ queue })}>
        <Name text={queue} />
      </a>
    )
  },
  { head: "Letters", look: "num w-length", cell: ({ letters }) => count(letters) },
  {
    head: "Oldest",
    look: "num w-age",
    cell: ({ oldestMillis }) => (oldestMillis === null ? "–" : age(oldestMillis / 1000))
  }
]

const QueueList = ({ queues }: { readonly queues: ReadonlyArray<DeadQueue> }) => (
  <section class="card table-card" aria-label="Queues with dead letters">
    {queues.length === 0 ? (
      <Empty title="No dead letters">
        <p>A job that a worker gives up is kept here, with the reason, until it is redriven or purged.</p>
      </Empty>
    ) : (
      <Table
        label="Queues with dead letters"
        look="sticky-head dead-table"
        columns={columns}
        rows={queues}
        keyOf={({ queue }) => queue}
      />
    )}
  </section>
)

interface Open {
  readonly deed: "redrive" | "purge"
  readonly selection: DeadSelection
  readonly letters: number
}

const Letters = ({ queue }: { readonly queue: string }) => {
  const { query } = place.value
  const reason = reasons.find((each) => each === query.reason)
  const search = query.search ?? ""
  const limit = Math.max(50, Math.min(200, Number(query.show) || 50))
  const { data, error, isLoading, reload } = useAnswer<DeadLetters>("dead", { queue, reason, search, limit })
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [open, setOpen] = useState<Open>()
  const letters: ReadonlyArray<DeadLetter> = data?.letters ?? []
  const marked = letters.filter(({ id }) => chosen.has(id)).map(({ id }) => id)
  const isFiltered = reason !== undefined || search !== ""
  const canChange = session.value?.isReadOnly === false
  const all: DeadSelection = {
    queue,
    all: true,
    ...(reason === undefined ? {} : { reason }),
    ...(search === "" ? {} : { search })
  }
  const start = (deed: Open["deed"]) => {
    const [first, ...rest] = marked
    setOpen(
      first === undefined
        ? { deed, selection: all, letters: isFiltered ? letters.length : (data?.total ?? 0) }
        : { deed, selection: { queue, ids: [first, ...rest] }, letters: marked.length }
    )
  }
  const which = marked.length > 0 ? count(marked.length) : isFiltered ? "all that fit" : "all"
  return (
    <>
      <p class="crumbs">
        <a href={deadAddress()}>Dead letters</a>
      </p>
      <header class="page-head">
        <h1 class="subject">
          <Visible text={queue} />
        </h1>
        <a href={queueAddress(queue)}>its queue</a>
        {canChange && letters.length > 0 && (
          <div class="actions">
            <button type="button" onClick={() => start("redrive")}>
              Redrive {which}…
            </button>
            <button type="button" class="danger" onClick={() => start("purge")}>
              Purge {which}…
            </button>
          </div>
        )}
      </header>
      <div class="filters">
        <Search
          value={search}
          label="Search in errors and ids"
          placeholder="Search: part of an error or id"
          onChange={(text) => refine({ search: text })}
        />
        <Choice
          label="Only letters with the reason"
          value={reason}
          options={[[undefined, "All"], ...reasons.map((each) => [each, each] as const)]}
          onChange={(reason) => refine({ reason })}
        />
        <button type="button" class="ghost small push" disabled={isLoading} onClick={reload}>
          {isLoading ? "Looking…" : "Look again"}
        </button>
      </div>
      {error !== undefined && <Failed message={error} retry={reload} />}
      <section class="card table-card" aria-label="Dead letters">
        {data === undefined ? (
          <Loading />
        ) : letters.length === 0 ? (
          <Empty title={isFiltered ? "No letter fits" : "No dead letters"} />
        ) : (
          <LetterList letters={letters} chosen={chosen} onChoose={canChange ? setChosen : undefined} />
        )}
        {data !== undefined && (
          <footer class="table-foot">
            <span>
              {counted(letters.length, "letter")} of {count(data.total)}, the oldest first
            </span>
            {!data.isComplete && limit < 200 && (
              <button type="button" class="small push" onClick={() => refine({ show: "200" })}>
                Show more
              </button>
            )}
          </footer>
        )}
      </section>
      <section class="card">
        <header>
          <h2>The same in a terminal</h2>
        </header>
        <div class="inside commands">
          <CommandLine
            text={command(["dead", "list", ...(reason === undefined ? [] : ["--where", reason])], [queue])}
          />
        </div>
      </section>
      {open !== undefined && (
        <DeadAction
          {...open}
          onClose={() => {
            setOpen(undefined)
            setChosen(new Set())
            reload()
          }}
        />
      )}
    </>
  )
}

const AllQueues = () => {
  const { data: answer } = useLive("workers", {})
  if (answer === undefined) return <Loading />
  return (
    <>
      <header class="page-head">
        <h1>Dead letters</h1>
      </header>
      <QueueList queues={answer.dead} />
    </>
  )
}

/** The letters of a queue are asked for when the viewer looks, and not pushed; the stream says whether the cluster answers. */
const LettersOf = ({ queue }: { readonly queue: string }) => {
  useLive("status", {})
  return <Letters key={queue} queue={queue} />
}

export const Dead = () => {
  const { queue } = place.value.query
  return queue === undefined ? <AllQueues /> : <LettersOf queue={queue} />
}
