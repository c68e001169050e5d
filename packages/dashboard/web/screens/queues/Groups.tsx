/** The queues whose names begin in the same way, together. */
import type { QueueGroup } from "../../../src/api/queues.js"
import { count, rate } from "../../format.js"
import { Badges } from "../../parts/Badges.js"
import { Empty } from "../../parts/Loading.js"
import { Name } from "../../parts/Visible.js"
import { queuesAddress } from "../../router.js"

export const Groups = ({ groups }: { readonly groups: ReadonlyArray<QueueGroup> }) => (
  <section class="card table-card" aria-label="Groups of queues">
    {groups.length === 0 ? (
      <Empty title="No groups">
        <p>Queues are grouped by what is in front of the first dot, colon or slash of their names.</p>
      </Empty>
    ) : (
      <table class="sticky-head tall group-table" aria-label="Groups of queues">
        <thead>
          <tr>
            <th scope="col">Prefix</th>
            <th scope="col" class="num w-length">
              Queues
            </th>
            <th scope="col" class="num w-length">
              Length
            </th>
            <th scope="col" class="num w-rate optional-1">
              In/s
            </th>
            <th scope="col" class="num w-rate optional-1">
              Out/s
            </th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => (
            <tr key={group.prefix} class="row">
              <th scope="row" class="row-head">
                <span class="name-cell">
                  <a class="cell-link" href={queuesAddress({ prefix: group.prefix })}>
                    <Name text={group.prefix} />
                  </a>
                  <Badges badges={group.badges} place="beside" />
                </span>
                <span class="under">{group.badges.join(" · ")}</span>
              </th>
              <td class="num">{count(group.queues)}</td>
              <td class="num">{count(group.length)}</td>
              <td class="num optional-1">{rate(group.in)}</td>
              <td class="num optional-1">{rate(group.out)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    )}
  </section>
)
