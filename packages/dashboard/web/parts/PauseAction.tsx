/** Pauses a queue on every node, or lets it go on. */
import { useState } from "preact/hooks"
import type { PauseAnswer, QueueRow } from "../../src/api/queues.js"
import type { Pause } from "../../src/api/values.js"
import { tell } from "../api.js"
import { command } from "../text.js"
import { Action, type Outcome } from "./Action.js"
import { pauseWords } from "./Badges.js"
import { CommandLine } from "./Copy.js"
import { Visible } from "./Visible.js"

const choices: ReadonlyArray<readonly [Pause, string, string]> = [
  ["none", "Nothing", "jobs come in and go out"],
  ["out", "Out", "jobs gather, and none is delivered"],
  ["in", "In", "no job can be added"],
  ["all", "In and out", "no job can be added, and none is delivered"]
]

const outcomeOf = ({ changes }: PauseAnswer, pause: Pause): Outcome => ({
  title: pause === "none" ? "The queue goes on, on every node." : `Paused ${pauseWords[pause]}, on every node.`,
  results: changes.map(({ after, before, node }) => ({
    what: node,
    text: before === after ? `${pauseWords[after]}, as before` : `${pauseWords[before]} → ${pauseWords[after]}`,
    isDone: after === pause
  }))
})

const commandOf = (name: string, pause: Pause): string =>
  pause === "none" ? command(["resume"], [name]) : command(["pause"], [name, pause])

type Paused = Pick<QueueRow, "name" | "pause" | "pausedOn">

export const PauseAction = ({ onClose, queue }: { readonly queue: Paused; readonly onClose: () => void }) => {
  // What is chosen stays chosen, whatever the queue does meanwhile.
  const [pause, setPause] = useState<Pause>(queue.pause === "none" ? "out" : "none")
  const { name } = queue
  return (
    <Action
      title={
        <>
          Pause <Visible text={name} />
        </>
      }
      deed={pause === "none" ? "Let it go on" : "Pause"}
      run={async () => outcomeOf(await tell<PauseAnswer>("queue/pause", { name, pause }), pause)}
      onClose={onClose}
    >
      <p class="dim">
        Now{" "}
        {queue.pausedOn.length === 0
          ? "not paused"
          : queue.pausedOn.map(({ node, pause }) => `${pauseWords[pause]} on ${node}`).join(", ")}
        . A node forgets its pauses when it ends.
      </p>
      <fieldset>
        <legend>What is paused, on every node</legend>
        {choices.map(([value, label, means]) => (
          <label key={value} class="check">
            <input type="radio" name="pause" checked={pause === value} onChange={() => setPause(value)} />
            <b>{label}</b> <span class="dim">{means}</span>
          </label>
        ))}
      </fieldset>
      <CommandLine text={commandOf(name, pause)} />
    </Action>
  )
}
