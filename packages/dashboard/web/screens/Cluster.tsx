/** All nodes of the cluster: how they fare, and which jobs go between them. */
import { useState } from "preact/hooks"
import type { ClusterAnswer, ClusterNode } from "../../src/api/cluster.js"
import { session } from "../api.js"
import { count, perSecond, size } from "../format.js"
import { useLive } from "../live.js"
import { CommandLine } from "../parts/Copy.js"
import { Tiles } from "../parts/Figures.js"
import { Loading } from "../parts/Loading.js"
import { command } from "../text.js"
import { DrainAction, UndrainAction } from "./cluster/DrainAction.js"
import { NodeCard } from "./cluster/NodeCard.js"
import { NodeMap } from "./cluster/NodeMap.js"

const sum = (nodes: ReadonlyArray<ClusterNode>, of: (figures: NonNullable<ClusterNode["figures"]>) => number): number =>
  nodes.reduce((total, { figures }) => total + (figures === null ? 0 : of(figures)), 0)

const Totals = ({ flows, nodes }: ClusterAnswer) => {
  const up = nodes.filter(({ state }) => state === "up").length
  return (
    <Tiles
      label="All nodes"
      figures={[
        {
          label: "Nodes up",
          value: `${up} of ${nodes.length}`,
          tone: up === nodes.length ? "" : "bad"
        },
        { label: "Jobs and acknowledgements", value: count(sum(nodes, ({ jobs }) => jobs)), note: "with all copies" },
        { label: "Memory", value: size(sum(nodes, ({ memory }) => memory)) },
        {
          label: "Clients",
          value: count(sum(nodes, ({ clients }) => clients)),
          note: `${count(sum(nodes, ({ blockedClients }) => blockedClients))} wait`
        },
        { label: "Node to node", value: `${perSecond(flows.reduce((total, { rate }) => total + rate, 0))}/s` }
      ]}
    />
  )
}

export const Cluster = () => {
  const { data: answer } = useLive("cluster", {})
  const [open, setOpen] = useState<{ readonly deed: "drain" | "undrain"; readonly node: ClusterNode }>()
  if (answer === undefined) return <Loading />
  const { drains, flows, nodes } = answer
  const close = () => setOpen(undefined)
  const canChange = session.value?.isReadOnly === false
  return (
    <>
      <header class="page-head">
        <h1>Cluster</h1>
      </header>
      <Totals {...answer} />
      {nodes.length > 1 && (
        <section class="card" aria-label="Map">
          <header>
            <h2>Map</h2>
            <span class="dim">
              {flows.length === 0
                ? "no jobs go between nodes now"
                : "arrows show the jobs that go between nodes, because consumers wait there"}
            </span>
          </header>
          <div class="inside">
            <NodeMap nodes={nodes} flows={flows} />
          </div>
        </section>
      )}
      <div class="node-cards">
        {nodes.map((node) => (
          <NodeCard
            key={node.address}
            node={node}
            drain={drains.find(({ node: address }) => address === node.address)}
            onDrain={canChange ? () => setOpen({ deed: "drain", node }) : undefined}
            onUndrain={canChange ? () => setOpen({ deed: "undrain", node }) : undefined}
          />
        ))}
      </div>
      <section class="card after-cards">
        <header>
          <h2>The same in a terminal</h2>
        </header>
        <div class="inside commands">
          <CommandLine text={command(["cluster"])} />
        </div>
      </section>
      {open?.deed === "drain" && <DrainAction node={open.node} isAlone={nodes.length < 2} onClose={close} />}
      {open?.deed === "undrain" && <UndrainAction node={open.node} onClose={close} />}
    </>
  )
}
