/** One node: by its own word, and as the others see it. */
import type { ComponentChildren } from "preact"
import type { ClusterNode, Drain } from "../../../src/api/cluster.js"
import { age, count, latency, size } from "../../format.js"
import { serverNow } from "../../live.js"
import { Meter, Pairs } from "../../parts/Figures.js"
import { Visible } from "../../parts/Visible.js"
import { DrainState } from "./DrainState.js"
import { toneOf } from "./states.js"

type Row = readonly [string, ComponentChildren]

const ago = (at: number): string => `${age(Math.max(0, serverNow() - at) / 1000)} ago`

const Memory = ({ memory, most }: { readonly memory: number; readonly most: number | null }) =>
  most === null ? (
    <span>{size(memory)}</span>
  ) : (
    <>
      {size(memory)} of {size(most)}
      <Meter share={memory / most} label={`${Math.round((memory / most) * 100)} % of the memory that it may take`} />
    </>
  )

const doubts = ({ views }: ClusterNode): ReadonlyArray<string> =>
  views.flatMap(({ flags, from, isConnected }) => {
    const words = [
      ...flags.filter((flag) => /fail|leaving|noaddr|handshake/.test(flag)),
      ...(isConnected ? [] : ["no link"])
    ]
    return words.length === 0 ? [] : [`${from}: ${words.join(", ")}`]
  })

const rowsOf = (node: ClusterNode): ReadonlyArray<Row> => {
  const { figures } = node
  const seen = doubts(node)
  return [
    ["Priority", count(node.priority)],
    ...(figures === null
      ? []
      : ([
          ["Memory", <Memory memory={figures.memory} most={figures.maxMemory} />],
          ["Jobs", `${count(figures.jobs)}, ${count(figures.queues)} queues`],
          ["Clients", `${count(figures.clients)}, ${count(figures.blockedClients)} wait`],
          ["Commands", `${count(figures.commandsPerSecond)}/s`],
          ["Round trip", latency(figures.roundTripMillis)],
          ["Up for", age(figures.uptimeMillis / 1000)],
          ["Version", <Visible text={figures.version} />]
        ] as const)),
    ...(node.why === null ? [] : ([["Does not answer", <Visible text={node.why} />]] as const)),
    ...(node.failingSince === null ? [] : ([["Since", ago(node.failingSince)]] as const)),
    ...(figures === null && node.lastHeard !== null ? ([["Last heard by another", ago(node.lastHeard)]] as const) : []),
    ...(seen.length === 0 ? [] : ([["As others see it", seen.join("; ")]] as const)),
    ...(node.id === null ? [] : ([["Id", <span class="mono">{node.id.slice(0, 16)}…</span>]] as const))
  ]
}

interface Props {
  readonly node: ClusterNode
  readonly drain: Drain | undefined
  readonly onDrain: (() => void) | undefined
  readonly onUndrain: (() => void) | undefined
}

export const NodeCard = ({ drain, node, onDrain, onUndrain }: Props) => (
  <section class="card" aria-label={`Node ${node.address}`}>
    <header>
      <span class={`dot ${toneOf[node.state]}`} aria-hidden="true" />
      <h2 class="mono">{node.address}</h2>
      <span class={`badge ${toneOf[node.state]}`}>{node.state}</span>
      <span class="push">
        {node.state === "up" && onDrain !== undefined && (
          <button type="button" class="small" onClick={onDrain} aria-label={`Drain ${node.address}`}>
            Drain…
          </button>
        )}
        {node.state === "leaving" && onUndrain !== undefined && (
          <button type="button" class="small" onClick={onUndrain} aria-label={`Let it stay: ${node.address}`}>
            Let it stay…
          </button>
        )}
      </span>
    </header>
    <div class="inside">
      {drain !== undefined && node.state === "leaving" && <DrainState drain={drain} />}
      <Pairs rows={rowsOf(node)} />
    </div>
  </section>
)
