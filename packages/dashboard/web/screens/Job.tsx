/** One job: what happened to it, what will happen, where its copies are, and what is in it. */
import { useState } from "preact/hooks"
import type { JobAnswer, JobChange, Job as JobFields } from "../../src/api/jobs.js"
import { session } from "../api.js"
import { age, counted, list, moment } from "../format.js"
import { useLive } from "../live.js"
import { stateTone, stateWords } from "../parts/Badges.js"
import { Content } from "../parts/Content.js"
import { CommandLine, CopyButton } from "../parts/Copy.js"
import { Pairs } from "../parts/Figures.js"
import { Empty, Loading, Missing } from "../parts/Loading.js"
import { Name, Visible } from "../parts/Visible.js"
import { queueAddress, queuesAddress } from "../router.js"
import { command } from "../text.js"
import { JobAction } from "./job/JobAction.js"
import { Timeline } from "./job/Timeline.js"

const copiesOf = ({ copies, replicate, unknown }: JobFields): string =>
  [
    `${copies.length} of ${replicate}`,
    ...(copies.length > 0 ? [`on ${list(copies.map(({ node, state }) => `${node} (${stateWords[state]})`))}`] : []),
    ...(unknown.length > 0 ? [`${list(unknown)} did not answer`] : [])
  ].join(", ")

const Facts = ({ job }: { readonly job: JobFields }) => (
  <Pairs
    rows={[
      [
        "Queue",
        job.queue === null ? (
          "unknown: only an acknowledgement is left"
        ) : (
          <a href={queueAddress(job.queue)}>
            <Name text={job.queue} />
          </a>
        )
      ],
      ["State", <Visible text={job.stateText} />],
      ["Nacks", counted(job.nacks, "time")],
      ["More deliveries", counted(job.additionalDeliveries, "time")],
      ["Copies", copiesOf(job)],
      [
        "Retry",
        job.isAtMostOnce ? "never: it is delivered once or not at all" : `after ${age(job.retryMillis / 1000)}`
      ],
      ...(job.delayMillis > 0 ? ([["Delay", age(job.delayMillis / 1000)]] as const) : []),
      ["Time left", age(job.ttlMillis / 1000)],
      ...(job.createdAt === null ? [] : ([["Added", `${moment(job.createdAt)} UTC`]] as const))
    ]}
  />
)

const Contents = ({ job: { body, decoded } }: { readonly job: JobFields }) => (
  <section class="card" aria-label="Body">
    <header>
      <h2>Body</h2>
      {body?.isCut === true && <span class="dim">its beginning; disco show prints all of it</span>}
    </header>
    <div class="inside">
      {decoded?.isValid === false && (
        <p class="notice bad">
          The program cannot decode it: <Visible text={decoded.message} keep={"\n"} />
        </p>
      )}
      {body === null ? (
        <p class="dim">The nodes know only that the job was acknowledged.</p>
      ) : (
        <Content body={body} decoded={decoded?.isValid === true ? decoded.json : undefined} />
      )}
    </div>
  </section>
)

const changes: ReadonlyArray<readonly [JobChange, string]> = [
  ["enqueue", "Enqueue…"],
  ["nack", "Nack…"],
  ["acknowledge", "Acknowledge…"],
  ["delete", "Delete…"]
]

const NotFound = ({ failures }: Pick<JobAnswer, "failures">) => (
  <section class="card">
    <Empty title={failures.length > 0 ? "No node that answered knows this job" : "No node knows this job"}>
      <p>It is done, deleted, or was never added.</p>
    </Empty>
  </section>
)

export const Job = ({ id }: { readonly id: string }) => {
  const { data: answer, params } = useLive("job", { id })
  const [open, setOpen] = useState<JobChange>()
  if (answer === undefined || params?.id !== id) return <Loading />
  const { failures, job } = answer
  return (
    <>
      <p class="crumbs">
        <a href={queuesAddress()}>Queues</a>
        {job !== null && job.queue !== null && (
          <>
            {" / "}
            <a href={queueAddress(job.queue)}>
              <Name text={job.queue} most={60} />
            </a>
          </>
        )}
      </p>
      <header class="page-head">
        <h1 class="subject mono">
          <Visible text={id} />
        </h1>
        <CopyButton text={id} label="Copy the id" />
        {job !== null && <span class={`badge ${stateTone[job.state]}`}>{stateWords[job.state]}</span>}
        {job !== null && session.value?.isReadOnly === false && (
          <div class="actions">
            {changes.map(([change, label]) => (
              <button
                key={change}
                type="button"
                class={change === "delete" ? "danger" : ""}
                onClick={() => setOpen(change)}
              >
                {label}
              </button>
            ))}
          </div>
        )}
      </header>
      <Missing failures={failures} />
      {job === null ? (
        <NotFound failures={failures} />
      ) : (
        <div class="columns job-columns">
          <div>
            <Contents job={job} />
          </div>
          <div>
            <section class="card" aria-label="Timeline">
              <header>
                <h2>Timeline</h2>
                <span class="dim">by the clock of {job.node}</span>
              </header>
              <div class="inside">
                <Timeline job={job} />
              </div>
            </section>
            <section class="card" aria-label="Facts">
              <div class="inside">
                <Facts job={job} />
              </div>
            </section>
          </div>
        </div>
      )}
      <section class="card">
        <header>
          <h2>The same in a terminal</h2>
        </header>
        <div class="inside commands">
          <CommandLine text={command(["show"], [id])} />
        </div>
      </section>
      {open !== undefined && (
        <JobAction change={open} id={id} queue={job?.queue ?? null} onClose={() => setOpen(undefined)} />
      )}
    </>
  )
}
