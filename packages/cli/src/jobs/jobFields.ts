/** A job of the cluster, as `disco jobs` and `disco peek` print it. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { BodyFields, Count, Seconds } from "../output/fields.js"
import { age, count } from "../output/format.js"
import type { Column } from "../output/table.js"
import { printable } from "../output/text.js"
import { bodyLine } from "./bodies.js"

export const JobFields = Schema.Struct({
  id: Schema.String,
  queue: Schema.NullOr(Schema.String).annotations({ description: "null if only an acknowledgement is known" }),
  state: Schema.Literal("wait-repl", "active", "queued", "acked").annotations({
    description:
      "in the cluster: acked if one node says so, or else queued if it waits on one, or else wait-repl, or else active"
  }),
  node: Schema.String.annotations({ description: "the node that told of the job" }),
  age: Schema.NullOr(Seconds).annotations({ description: "seconds since the job was added, by the clock of the node" }),
  ttl: Seconds.annotations({ description: "seconds that are left until the job is deleted" }),
  nacks: Count,
  additionalDeliveries: Count,
  ...BodyFields
})

export type JobFields = typeof JobFields.Type

const encoder = new TextEncoder()

/** The beginning of the body in one line; how long it is if it is not text. */
const begin = ({ body, encoding }: JobFields): string =>
  encoding === "base64" ? "(not text)" : bodyLine(encoder.encode(body.slice(0, 400)))

const span = (seconds: number | null): string => (seconds === null ? "" : age(Duration.seconds(seconds)))

const counter = (value: number): string => (value === 0 ? "" : count(value))

/** The id, which other commands take, is there in each line and whole. */
export const jobColumns = (hasQueue: boolean): ReadonlyArray<Column<JobFields>> => [
  { title: "ID", cell: ({ id }) => id },
  ...(hasQueue ? [{ title: "QUEUE", cell: ({ queue }: JobFields) => printable(queue ?? ""), priority: 2 }] : []),
  { title: "STATE", cell: ({ state }) => state, priority: 1 },
  { title: "AGE", cell: ({ age }) => span(age), align: "right", priority: 1 },
  { title: "TTL", cell: ({ ttl }) => span(ttl), align: "right", priority: 6 },
  { title: "NACKS", cell: ({ nacks }) => counter(nacks), align: "right", priority: 4 },
  {
    title: "DELIVERIES",
    cell: ({ additionalDeliveries }) => counter(additionalDeliveries),
    align: "right",
    priority: 5
  },
  { title: "NODE", cell: ({ node }) => node, priority: 7 },
  { title: "BODY", cell: begin, priority: 3, least: 8 }
]
