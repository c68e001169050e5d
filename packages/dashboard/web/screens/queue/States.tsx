/** How many jobs of a queue are in each state: counted when the viewer asks, because the nodes go through all of their jobs. */
import type { JobCounts } from "../../../src/api/queues.js"
import { age, count } from "../../format.js"
import { stateWords } from "../../parts/Badges.js"
import { Meter } from "../../parts/Figures.js"
import { Failed, Missing } from "../../parts/Loading.js"
import { useAnswer } from "../../parts/useAnswer.js"

const states = ["queued", "active", "wait-repl", "acked"] as const

export const States = ({ name, now }: { readonly name: string; readonly now: () => number }) => {
  const { data: counts, error, isLoading, reload } = useAnswer<JobCounts>("queue/counts", { name })
  const total = counts === undefined ? 0 : states.reduce((sum, state) => sum + counts.states[state], 0)
  return (
    <section class="card" aria-label="Jobs by state">
      <header>
        <h2>Jobs by state</h2>
        {counts !== undefined && (
          <span class="dim">
            {counts.isComplete ? "" : "at least, "}counted {age(Math.max(0, now() - counts.at) / 1000)} ago
          </span>
        )}
        <button type="button" class="ghost small push" disabled={isLoading} onClick={reload}>
          {isLoading ? "Counting…" : "Count again"}
        </button>
      </header>
      <div class="inside states">
        {error !== undefined && <Failed message={error} retry={reload} />}
        {counts !== undefined && <Missing failures={counts.failures} />}
        {counts !== undefined &&
          states.map((state) => (
            <div key={state} class="state-bar">
              <span>{stateWords[state]}</span>
              <Meter
                share={total === 0 ? 0 : counts.states[state] / total}
                label={`${counts.states[state]} of ${total}`}
              />
              <span class="num">{count(counts.states[state])}</span>
            </div>
          ))}
      </div>
    </section>
  )
}
