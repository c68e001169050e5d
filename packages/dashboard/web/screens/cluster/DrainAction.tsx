/** Drains a node, so that it can be stopped without losing a job; or lets it stay. */
import { useState } from "preact/hooks"
import type { ClusterAnswer, ClusterNode, DrainRequest, UndrainRequest } from "../../../src/api/cluster.js"
import { tell } from "../../api.js"
import { Action, type Outcome } from "../../parts/Action.js"
import { CommandLine } from "../../parts/Copy.js"
import { command } from "../../text.js"

interface Props {
  readonly node: ClusterNode
  readonly onClose: () => void
}

const outcomeOf = ({ nodes }: ClusterAnswer, address: string, wanted: string, title: string): Outcome => {
  const state = nodes.find((node) => node.address === address)?.state ?? "unreachable"
  return { title, results: [{ what: address, text: `is ${state}`, isDone: state === wanted }] }
}

export const DrainAction = ({ isAlone, node, onClose }: Props & { readonly isAlone: boolean }) => {
  const [moves, setMoves] = useState(true)
  const { address } = node
  const request: DrainRequest = { node: address, moves }
  return (
    <Action
      title={`Drain ${address}`}
      deed="Drain"
      isDangerous
      typed={address}
      run={async () =>
        outcomeOf(
          await tell<ClusterAnswer>("cluster/drain", request),
          address,
          "leaving",
          "The node is leaving. Its card says when it is safe to stop."
        )
      }
      onClose={onClose}
    >
      <p class="dim">
        It takes no more new jobs, and its jobs are delivered or given to other nodes, until no job would be lost with
        it.
        {isAlone ? " It is the only node: there is no other that could take its jobs." : ""}
      </p>
      <label class="check">
        <input type="checkbox" checked={moves} onChange={(event) => setMoves(event.currentTarget.checked)} />
        Move the jobs that no other node has
      </label>
      <CommandLine text={command(["node", "leave", address, ...(moves ? ["--move"] : []), "--yes"])} />
    </Action>
  )
}

export const UndrainAction = ({ node: { address }, onClose }: Props) => {
  const request: UndrainRequest = { node: address }
  return (
    <Action
      title={`Let ${address} stay`}
      deed="Let it stay"
      run={async () =>
        outcomeOf(await tell<ClusterAnswer>("cluster/undrain", request), address, "up", "The node takes jobs again.")
      }
      onClose={onClose}
    >
      <p class="dim">It takes new jobs again. Jobs that were moved stay where they are.</p>
      <CommandLine text={command(["node", "join", address])} />
    </Action>
  )
}
