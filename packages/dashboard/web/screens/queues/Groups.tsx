/** The queues whose names begin in the same way, together. */
import type { QueueGroup } from "../../../src/api/queues.js"
import { count, rate } from "../../format.js"
import { Badges } from "../../parts/Badges.js"
import { Empty } from "../../parts/Loading.js"
import { type Columns, Table } from "../../parts/Table.js"
import { Name } from "../../parts/Visible.js"
import { queuesAddress } from "../../router.js"

const prefixOf = ({ prefix }: QueueGroup): string => prefix

const columns: Columns<QueueGroup> = [
  {
    head: "Prefix",
    cell: ({ badges, prefix }) => (
      <>
        <span class="name-cell">
          <a class="cell-link" href={queuesAddress({ prefix })}>
            <Name text={prefix} />
          </a>
          <Badges badges={badges} place="beside" />
        </span>
        <span class="under">{badges.join(" · ")}</span>
      </>
    )
  },
  { head: "Queues", look: "num w-length", cell: ({ queues }) => count(queues) },
  { head: "Length", look: "num w-length", cell: ({ length }) => count(length) },
  { head: "In/s", look: "num w-rate optional-1", cell: (group) => rate(group.in) },
  { head: "Out/s", look: "num w-rate optional-1", cell: ({ out }) => rate(out) }
]

export const Groups = ({ groups }: { readonly groups: ReadonlyArray<QueueGroup> }) => (
  <section class="card table-card" aria-label="Groups of queues">
    {groups.length === 0 ? (
      <Empty title="No groups">
        <p>Queues are grouped by what is in front of the first dot, colon or slash of their names.</p>
      </Empty>
    ) : (
      <Table
        label="Groups of queues"
        look="sticky-head tall group-table"
        columns={columns}
        rows={groups}
        keyOf={prefixOf}
      />
    )}
  </section>
)
