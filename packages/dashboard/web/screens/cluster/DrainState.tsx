/** How far a node is from being safe to stop. */
import type { Drain } from "../../../src/api/cluster.js"
import { age, count, counted } from "../../format.js"
import { serverNow } from "../../live.js"
import { Visible } from "../../parts/Visible.js"

const heads: Readonly<Record<Drain["state"], readonly [string, string]>> = {
  running: ["warn", "It is being drained: do not stop it yet."],
  safe: ["good", "It is safe to stop."],
  failed: ["bad", "The drain ended early: do not stop it."],
  stopped: ["", "The drain was ended."]
}

const steps = ({ counts, moved, moves }: Drain): ReadonlyArray<string> =>
  counts === null
    ? ["looking at its jobs"]
    : [
        `${counted(counts.jobs, "job")} on it, ${count(counts.alone)} on no other node`,
        ...(counts.delivered > 0 ? [`${count(counts.delivered)} of those in the hands of consumers, waited for`] : []),
        ...(counts.unfinished > 0 ? [`${count(counts.unfinished)} with copies or acknowledgements under way`] : []),
        ...(counts.queued > 0 ? [`${count(counts.queued)} wait here, and have a copy elsewhere`] : []),
        ...(moves ? [`${counted(moved, "job")} moved so far`] : [])
      ]

export const DrainState = ({ drain }: { readonly drain: Drain }) => {
  const [tone, head] = heads[drain.state]
  return (
    <div class="drain" role="status">
      <p>
        <strong class={tone}>{head}</strong>{" "}
        <span class="dim">for {age(Math.max(0, serverNow() - drain.startedAt) / 1000)}</span>
      </p>
      <ul>
        {steps(drain).map((step) => (
          <li key={step}>{step}</li>
        ))}
        {drain.maybeTwice > 0 && (
          <li class="warn">{counted(drain.maybeTwice, "job")} may have been added elsewhere too</li>
        )}
        {drain.failure !== null && (
          <li class="bad">
            <Visible text={drain.failure} />
          </li>
        )}
      </ul>
    </div>
  )
}
