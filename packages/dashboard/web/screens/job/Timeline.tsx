/** What happened to a job, and what will happen to it. */
import type { Job, JobEvent } from "../../../src/api/jobs.js"
import { age, moment } from "../../format.js"
import { Visible } from "../../parts/Visible.js"

const when = ({ at, isPast }: JobEvent, now: number): string => {
  if (at === null) return "when is not known"
  const time = age(Math.abs(now - at) / 1000)
  return isPast ? `${time} ago` : `in ${time}`
}

const Line = ({ event, now }: { readonly event: JobEvent; readonly now: number }) => (
  <li class={event.isPast ? "" : "coming"}>
    <span>
      <Visible text={event.text} />
    </span>
    <span class="when">{when(event, now)}</span>
    {event.at !== null && <time dateTime={new Date(event.at).toISOString()}>{moment(event.at)}</time>}
  </li>
)

export const Timeline = ({ job }: { readonly job: Job }) => {
  const past = job.timeline.filter(({ isPast }) => isPast)
  const coming = job.timeline.filter(({ isPast }) => !isPast)
  if (job.timeline.length === 0) return <p class="dim">Only an acknowledgement of the job is left.</p>
  return (
    <ol class="timeline">
      {past.map((event) => (
        <Line key={event.kind} event={event} now={job.now} />
      ))}
      <li class="now">
        <span>
          now: <Visible text={job.stateText} />
        </span>
      </li>
      {coming.map((event) => (
        <Line key={event.kind} event={event} now={job.now} />
      ))}
    </ol>
  )
}
