/** The nodes in a circle, and the jobs that go between them. */
import type { ClusterNode, Flow } from "../../../src/api/cluster.js"
import { brief, count, list, perSecond } from "../../format.js"
import { isNarrow } from "../../parts/narrow.js"
import { printable } from "../../text.js"
import { toneOf } from "./states.js"

const disc = 26

interface Spot {
  readonly x: number
  readonly y: number
  readonly node: ClusterNode
}

/** Two or three nodes stand in a row or a triangle; more of them in an ellipse. */
const spotsOf = (nodes: ReadonlyArray<ClusterNode>, width: number, height: number): ReadonlyArray<Spot> =>
  nodes.map((node, i) => {
    const angle = (i / nodes.length) * 2 * Math.PI - (nodes.length === 2 ? Math.PI : Math.PI / 2)
    return {
      node,
      x: width / 2 + Math.cos(angle) * (width / 2 - (width < 500 ? 62 : 120)),
      y: height / 2 + (nodes.length === 3 ? 8 : -10) + Math.sin(angle) * (height / 2 - 62)
    }
  })

/** A line from node to node, bent to its left, so that both directions can be seen. */
const Arrow = ({ flow, from, to }: { readonly flow: Flow; readonly from: Spot; readonly to: Spot }) => {
  const [dx, dy] = [to.x - from.x, to.y - from.y]
  const length = Math.hypot(dx, dy) || 1
  const [ux, uy] = [dx / length, dy / length]
  const bend = 22
  const middle = { x: (from.x + to.x) / 2 + uy * bend * 2, y: (from.y + to.y) / 2 - ux * bend * 2 }
  const start = { x: from.x + ux * (disc + 4) + uy * 8, y: from.y + uy * (disc + 4) - ux * 8 }
  const end = { x: to.x - ux * (disc + 10) + uy * 8, y: to.y - uy * (disc + 10) - ux * 8 }
  const angle = (Math.atan2(end.y - middle.y, end.x - middle.x) * 180) / Math.PI
  return (
    <g>
      <path class="edge flow" d={`M${start.x} ${start.y}Q${middle.x} ${middle.y} ${end.x} ${end.y}`} />
      <path class="arrow" d="M0 -5L9 0L0 5Z" transform={`translate(${end.x} ${end.y}) rotate(${angle})`} />
      <text class="flow-text" x={(start.x + 2 * middle.x + end.x) / 4} y={(start.y + 2 * middle.y + end.y) / 4 + 4}>
        ~{perSecond(flow.rate)}/s
      </text>
    </g>
  )
}

const NodeMark = ({ node, x, y }: Spot) => (
  <g class={toneOf[node.state]} transform={`translate(${x} ${y})`}>
    <circle class="disc" r={disc} />
    <text y="5">{node.figures === null ? "–" : brief(node.figures.jobs)}</text>
    <text y={disc + 17}>{node.address}</text>
    <text class="dim" y={disc + 32}>
      {node.figures === null ? node.state : `${node.state}, ${count(node.figures.queues)} queues`}
    </text>
  </g>
)

const sentence = (nodes: ReadonlyArray<ClusterNode>, flows: ReadonlyArray<Flow>): string =>
  [
    `${nodes.length} nodes: ${list(nodes.map(({ address, state }) => `${address} is ${state}`))}.`,
    ...flows.map(
      ({ from, queues, rate, to }) =>
        `About ${perSecond(rate)} jobs a second go from ${from} to ${to}, of ${list(queues.map(printable))}.`
    )
  ].join(" ")

export const NodeMap = ({
  flows,
  nodes
}: {
  readonly nodes: ReadonlyArray<ClusterNode>
  readonly flows: ReadonlyArray<Flow>
}) => {
  const height = nodes.length === 2 ? 180 : nodes.length === 3 ? 250 : nodes.length === 4 ? 300 : 380
  const width = isNarrow() ? 350 : 720
  const spots = spotsOf(nodes, width, height)
  const spot = (address: string) => spots.find(({ node }) => node.address === address)
  return (
    <svg class="map" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={sentence(nodes, flows)}>
      {spots.flatMap((a, i) =>
        spots
          .slice(i + 1)
          .map((b) => (
            <path key={`${a.node.address} ${b.node.address}`} class="edge" d={`M${a.x} ${a.y}L${b.x} ${b.y}`} />
          ))
      )}
      {flows.map((flow) => {
        const [from, to] = [spot(flow.from), spot(flow.to)]
        return from === undefined || to === undefined ? null : (
          <Arrow key={`${flow.from} ${flow.to}`} flow={flow} from={from} to={to} />
        )
      })}
      {spots.map((each) => (
        <NodeMark key={each.node.address} {...each} />
      ))}
    </svg>
  )
}
