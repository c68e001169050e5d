/** No node of the cluster answers: which were tried, since when, and why not. */
import type { Status } from "../../src/api/status.js"
import { age, moment } from "../format.js"
import { CommandLine } from "../parts/Copy.js"
import { Visible } from "../parts/Visible.js"

export const Down = ({ status: { nodes, now } }: { readonly status: Status }) => (
  <div class="alone" role="alert">
    <h1>No node answers</h1>
    <p class="dim">The dashboard tries again by itself, and shows the cluster as soon as a node answers.</p>
    <section class="card" aria-label="Nodes that were tried">
      <ul class="tried">
        {nodes.map(({ address, since, why }) => (
          <li key={address}>
            <span class="dot bad" aria-hidden="true" />
            <div>
              <strong class="mono">{address}</strong>
              <p>
                <Visible text={why ?? "It does not answer."} />
              </p>
              {since !== null && (
                <p class="dim">
                  for {age(Math.max(0, now - since) / 1000)}, since {moment(since)} UTC
                </p>
              )}
            </div>
          </li>
        ))}
      </ul>
    </section>
    <CommandLine text="disco check" />
  </div>
)
