/** One queue: what it was and is, what waits in it, and what can be done to it. */
import { useState } from "preact/hooks"
import type { QueueFigures } from "../../src/api/queues.js"
import { session } from "../api.js"
import { age, count, perSecond } from "../format.js"
import { serverNow, useLive } from "../live.js"
import { Badges, pauseWords } from "../parts/Badges.js"
import { CommandLine } from "../parts/Copy.js"
import { type Figure, Tiles } from "../parts/Figures.js"
import { Empty, Loading } from "../parts/Loading.js"
import { PauseAction } from "../parts/PauseAction.js"
import { Visible } from "../parts/Visible.js"
import { deadAddress, queueAddress, queuesAddress } from "../router.js"
import { command } from "../text.js"
import { DeadAction } from "./dead/DeadAction.js"
import { AddAction } from "./queue/AddAction.js"
import { Jobs } from "./queue/Jobs.js"
import { NodeTable } from "./queue/NodeTable.js"
import { QueueChart } from "./queue/QueueChart.js"
import { States } from "./queue/States.js"

const Rate = ({ value }: { readonly value: number | null }) => <>{value === null ? "–" : `${perSecond(value)}/s`}</>

const figuresOf = (queue: QueueFigures): ReadonlyArray<Figure> => [
  { label: "Length", value: count(queue.length) },
  { label: "Oldest", value: queue.oldestMillis === null ? "–" : age(queue.oldestMillis / 1000) },
  { label: "In", value: <Rate value={queue.in} />, note: `${count(queue.jobsIn)} so far` },
  { label: "Out", value: <Rate value={queue.out} />, note: `${count(queue.jobsOut)} so far` },
  ...(queue.imported !== null && queue.imported > 0
    ? [{ label: "Node to node", value: <Rate value={queue.imported} /> }]
    : []),
  { label: "Clients waiting", value: count(queue.blocked) },
  {
    label: "Paused",
    value: queue.pause === "none" ? "no" : pauseWords[queue.pause],
    note: queue.pause === "none" ? undefined : `on ${queue.pausedOn.length} of ${queue.nodes.length}`,
    tone: queue.pause === "none" ? "" : "warn"
  },
  { label: "Known for", value: age(queue.ageMillis / 1000), note: `idle ${age(queue.idleMillis / 1000)}` }
]

type Open = "pause" | "add" | "redrive" | "purge"

export const Queue = ({ name }: { readonly name: string }) => {
  const { data: answer, params } = useLive("queue", { name })
  const [open, setOpen] = useState<Open>()
  const close = () => setOpen(undefined)
  const isReadOnly = session.value?.isReadOnly !== false
  if (answer === undefined || params?.name !== name) return <Loading />
  const { queue } = answer
  const letters = queue?.dead?.length ?? 0
  return (
    <>
      <p class="crumbs">
        <a href={queuesAddress()}>Queues</a>
      </p>
      <header class="page-head">
        <h1 class="subject">
          <Visible text={name} />
        </h1>
        {queue !== null && <Badges badges={queue.badges} />}
        {!isReadOnly && (
          <div class="actions">
            {letters > 0 && (
              <>
                <button type="button" onClick={() => setOpen("redrive")}>
                  Redrive dead letters…
                </button>
                <button type="button" class="danger" onClick={() => setOpen("purge")}>
                  Purge dead letters…
                </button>
              </>
            )}
            {queue !== null && (
              <button type="button" onClick={() => setOpen("pause")}>
                {queue.pause === "none" ? "Pause…" : "Resume…"}
              </button>
            )}
            <button type="button" class="primary" onClick={() => setOpen("add")}>
              Add a test job…
            </button>
          </div>
        )}
      </header>
      {queue === null ? (
        <section class="card">
          <Empty title="No node knows this queue">
            <p>It is there as soon as a job is added to it. A queue that is empty and not used is forgotten.</p>
          </Empty>
        </section>
      ) : (
        <>
          <Tiles label="Figures of the queue" figures={figuresOf(queue)} />
          {(queue.dead?.length ?? 0) + (queue.retry?.length ?? 0) > 0 && (
            <p class="notice">
              {queue.retry !== null && queue.retry.length > 0 && (
                <span>
                  <a href={queueAddress(queue.retry.name)}>{count(queue.retry.length)} wait for another attempt</a>
                </span>
              )}
              {queue.dead !== null && queue.dead.length > 0 && (
                <span>
                  <a href={deadAddress({ queue: name })}>{count(queue.dead.length)} were given up</a>
                </span>
              )}
            </p>
          )}
          <QueueChart queue={queue} at={answer.at} />
          <div class="columns">
            <Jobs name={name} />
            <div>
              <States name={name} now={serverNow} />
              <NodeTable nodes={queue.nodes} />
            </div>
          </div>
        </>
      )}
      <section class="card">
        <header>
          <h2>The same in a terminal</h2>
        </header>
        <div class="inside commands">
          <CommandLine text={command(["queue"], [name])} />
          <CommandLine text={command(["jobs", "--queue", name])} />
        </div>
      </section>
      {open === "pause" && queue !== null && <PauseAction queue={queue} onClose={close} />}
      {open === "add" && <AddAction name={name} onClose={close} />}
      {(open === "redrive" || open === "purge") && (
        <DeadAction deed={open} selection={{ queue: name, all: true }} letters={letters} onClose={close} />
      )}
    </>
  )
}
