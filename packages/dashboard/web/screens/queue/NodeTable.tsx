/** What each node knows of a queue. */
import type { QueueNode } from "../../../src/api/queues.js"
import { age, count, list, rate } from "../../format.js"
import { pauseWords } from "../../parts/Badges.js"

const imports = ({ importFrom, imported }: QueueNode): string =>
  imported === null || imported === 0 ? "" : `${rate(imported)}/s from ${list(importFrom)}`

export const NodeTable = ({ nodes }: { readonly nodes: ReadonlyArray<QueueNode> }) => (
  <section class="card" aria-label="Figures per node">
    <header>
      <h2>Nodes</h2>
    </header>
    {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard is to reach it. */}
    <section class="scroll-x" tabIndex={0} aria-label="Figures per node, which scroll">
      <table class="node-table" aria-label="Figures per node">
        <thead>
          <tr>
            <th scope="col" class="w-node-name">
              Node
            </th>
            <th scope="col" class="num">
              Length
            </th>
            <th scope="col" class="num">
              Oldest
            </th>
            <th scope="col" class="num">
              In/s
            </th>
            <th scope="col" class="num">
              Out/s
            </th>
            <th scope="col" class="num">
              Clients
            </th>
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => (
            <tr key={node.node}>
              <th scope="row" class="row-head mono" title={imports(node)}>
                {node.node}
                {node.pause !== "none" && <span class="warn"> paused {pauseWords[node.pause]}</span>}
              </th>
              <td class="num">{count(node.length)}</td>
              <td class="num">{node.oldestMillis === null ? "–" : age(node.oldestMillis / 1000)}</td>
              <td class="num">{rate(node.in)}</td>
              <td class="num">{rate(node.out)}</td>
              <td class="num">{count(node.blocked)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
    {nodes.some((node) => imports(node) !== "") && (
      <ul class="table-foot">
        {nodes
          .filter((node) => imports(node) !== "")
          .map((node) => (
            <li key={node.node}>
              {node.node} takes {imports(node)}
            </li>
          ))}
      </ul>
    )}
  </section>
)
