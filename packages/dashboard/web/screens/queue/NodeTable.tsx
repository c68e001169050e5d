/** What each node knows of a queue. */
import type { QueueNode } from "../../../src/api/queues.js"
import { age, count, list, rate } from "../../format.js"
import { pauseWords } from "../../parts/Badges.js"
import { type Columns, Table } from "../../parts/Table.js"

const imports = ({ importFrom, imported }: QueueNode): string =>
  imported === null || imported === 0 ? "" : `${rate(imported)}/s from ${list(importFrom)}`

const columns: Columns<QueueNode> = [
  {
    head: "Node",
    look: "w-node-name",
    title: imports,
    cell: ({ node, pause }) => (
      <>
        <span class="mono">{node}</span>
        {pause !== "none" && <span class="warn"> paused {pauseWords[pause]}</span>}
      </>
    )
  },
  { head: "Length", look: "num", cell: ({ length }) => count(length) },
  {
    head: "Oldest",
    look: "num",
    cell: ({ oldestMillis }) => (oldestMillis === null ? "–" : age(oldestMillis / 1000))
  },
  { head: "In/s", look: "num", cell: (node) => rate(node.in) },
  { head: "Out/s", look: "num", cell: ({ out }) => rate(out) },
  { head: "Clients", look: "num", cell: ({ blocked }) => count(blocked) }
]

export const NodeTable = ({ nodes }: { readonly nodes: ReadonlyArray<QueueNode> }) => (
  <section class="card" aria-label="Figures per node">
    <header>
      <h2>Nodes</h2>
    </header>
    {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard is to reach it. */}
    <section class="scroll-x" tabIndex={0} aria-label="Figures per node, which scroll">
      <Table label="Figures per node" look="node-table" columns={columns} rows={nodes} keyOf={({ node }) => node} />
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
