/** What was measured of a queue, up to now. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks"
import type { History, QueueFigures } from "../../../src/api/queues.js"
import { count, perSecond, timeOfDay } from "../../format.js"
import { serverNow } from "../../live.js"
import { Chart } from "../../parts/Chart.js"
import { Choice } from "../../parts/Choice.js"
import { Since } from "../../parts/Since.js"
import { useAnswer } from "../../parts/useAnswer.js"
import { Tracks } from "./tracks.js"

const ranges = [
  [5, "5m"],
  [15, "15m"],
  [60, "1h"]
] as const

const shown = (value: number | null | undefined, text: (value: number) => string): string =>
  value === null || value === undefined ? "–" : text(value)

const rateText = (value: number): string => `${perSecond(value)}/s`

export const QueueChart = ({ at, queue }: { readonly queue: QueueFigures; readonly at: number | null }) => {
  const [minutes, setMinutes] = useState<number>(5)
  const [point, setPoint] = useState<number>()
  const { data: history, reload } = useAnswer<History>("queue/history", { name: queue.name })
  const tracks = useMemo(() => new Tracks(), [queue.name])
  const begun = useRef<History | undefined>(undefined)
  if (history !== undefined && begun.current !== history) {
    begun.current = history
    tracks.begin(history)
  }
  if (at !== null) tracks.push(at, queue)
  // After a gap, such as a night with the page in the background, the server knows what was missed.
  const last = useRef(at)
  useEffect(() => {
    if (at !== null && last.current !== null && at - last.current > 15_000) reload()
    last.current = at
  }, [at, reload])

  const to = Math.max(at ?? 0, serverNow() - 10_000)
  const from = to - minutes * 60_000
  const track = tracks.since(from)
  const index = point !== undefined && point < track.at.length ? point : track.at.length - 1
  const moment = track.at[index]
  return (
    <section class="card" aria-label="Chart">
      <header>
        <h2>Rates and length</h2>
        <div class="legend">
          <span>
            <i class="swatch in" /> in {shown(track.in[index], rateText)}
          </span>
          <span>
            <i class="swatch out" /> out {shown(track.out[index], rateText)}
          </span>
          <span>
            <i class="swatch length" /> length {shown(track.length[index], count)}
          </span>
          <span class="dim">{moment === undefined ? "" : `${timeOfDay(moment)} UTC`}</span>
        </div>
        <Choice label="Time shown" place="push" value={minutes} options={ranges} onChange={setMinutes} />
      </header>
      <div class="inside charts">
        <Chart
          group="queue"
          label={`Jobs in and out a second: now ${shown(queue.in, rateText)} in, ${shown(queue.out, rateText)} out`}
          at={track.at}
          from={from}
          to={to}
          series={[
            { label: "in", tone: "in", values: track.in },
            { label: "out", tone: "out", values: track.out }
          ]}
          onPoint={setPoint}
        />
        <Chart
          group="queue"
          label={`Length: now ${count(queue.length)}`}
          at={track.at}
          from={from}
          to={to}
          series={[{ label: "length", tone: "length", values: track.length, isFilled: true }]}
          onPoint={setPoint}
        />
      </div>
      <footer class="table-foot">
        <Since />
      </footer>
    </section>
  )
}
