/** One row for each command that talks to a cluster: a line of words, what it shows to people, and what it tells programs. */
import { Cluster, DisquePool, JobId } from "@disco/core"
import { Effect } from "effect"

/** What the rows may name: queues of their own, and what `prepare` has put there. */
export interface Place {
  readonly queue: string
  readonly other: string
  /** The address of a node, and its id. Other pools may know the node by another address. */
  readonly node: string
  readonly nodeId: string
  /** How many nodes there are. */
  readonly size: number
  /** What `prepare` gave. */
  readonly id: string
}

export interface Case {
  readonly words: (place: Place) => ReadonlyArray<string>
  /** Runs before the words are said to people, and again before they are said with `--json`. Gives an id. */
  readonly prepare?: (place: Place) => Effect.Effect<string, unknown, DisquePool>
  readonly input?: ReadonlyArray<string>
  /** 0 unless told otherwise. */
  readonly status?: number
  readonly shows: (place: Place) => RegExp
  /** A part of the document, or of the last line. Without it the command prints no JSON. */
  readonly tells?: (place: Place) => object
  /** How many jobs wait in `queue` and `other` afterwards. */
  readonly leaves: readonly [queue: number, other: number]
  /** Whether it takes a node away for a moment: not on a cluster that others use. */
  readonly disturbs?: boolean
}

const add = ({ queue }: Place) =>
  Effect.flatMap(DisquePool, (pool) => pool.addJob(queue, '{"n":1}', { retry: "1 hour", ttl: "2 hours" }))

/** A job that a consumer has. */
const deliver = (place: Place) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const id = yield* add(place)
    yield* pool.getJob(place.queue)
    return id
  })

const at = "2026-01-02T03:04:05.000Z"

/** A dead letter of `queue`. Its queue of letters is `other`. */
const bury = ({ other, queue }: Place) =>
  Effect.gen(function* () {
    const pool = yield* DisquePool
    const letter = {
      queue,
      id: JobId.make("D-0badcafe-AAAAAAAAAAAAAAAAAAAAAAAA-05a1"),
      reason: "failed",
      error: "no route to host",
      attempts: 3,
      nacks: 2,
      additionalDeliveries: 0,
      addedAt: at,
      firstAt: at,
      lastAt: at,
      retry: 60,
      ttl: 3600,
      body: "dear"
    }
    return yield* pool.addJob(other, JSON.stringify(letter), { retry: "1 hour" })
  })

// The address of any node.
const node = "\\S+:\\d+"

const one = ["--count", "1"]

// The machine may do other things.
const patient = ["--wait", "20s"]

/** By the whole names of commands. */
export const cases: Readonly<Record<string, ReadonlyArray<Case>>> = {
  queues: [
    {
      prepare: add,
      words: ({ queue }) => ["queues", queue, "--sample", "100ms"],
      shows: ({ queue }) => new RegExp(`^QUEUE .*LENGTH.*\\n.*${queue}.* 1 .*`, "m"),
      tells: ({ queue }) => ({ queues: [{ name: queue, length: 1, badges: ["no consumers"] }], missing: [] }),
      leaves: [1, 0]
    }
  ],
  queue: [
    {
      prepare: add,
      words: ({ queue }) => ["queue", queue, "--sample", "0"],
      shows: ({ id, queue }) =>
        new RegExp(`^${queue}\\n[\\s\\S]*length +1\\n[\\s\\S]*NODE[\\s\\S]*NEXT[\\s\\S]*${id.slice(0, 10)}`),
      tells: ({ id, queue }) => ({ name: queue, length: 1, states: { queued: 1, active: 0 }, head: [{ id }] }),
      leaves: [1, 0]
    },
    {
      words: ({ queue }) => ["queue", queue, "--sample", "0", "--no-states"],
      status: 1,
      shows: ({ queue }) => new RegExp(`^disco: .*${queue}`),
      leaves: [0, 0]
    }
  ],
  dashboard: [
    {
      words: () => ["dashboard", "--read-only", "--allow-changes"],
      status: 2,
      shows: () => /^disco: --read-only/,
      leaves: [0, 0]
    }
  ],
  top: [{ words: () => ["top"], status: 2, shows: () => /^disco: .*terminal/, leaves: [0, 0] }],
  cluster: [
    {
      words: () => ["cluster"],
      shows: () => new RegExp(`^NODE +STATE[\\s\\S]*${node} +up`),
      tells: () => ({ nodes: [{ state: "up", error: null }] }),
      leaves: [0, 0]
    }
  ],
  ping: [
    {
      words: () => ["ping", ...one],
      shows: () => new RegExp(`^NODE [\\s\\S]*${node} .* (s|ms|µs)`),
      tells: () => ({ nodes: [{ sent: 1, answered: 1 }] }),
      leaves: [0, 0]
    }
  ],
  latency: [
    {
      words: () => ["latency", "--for", "300ms", "--every", "200ms"],
      shows: () => new RegExp(`${node} .* (s|ms|µs)`),
      tells: () => ({}),
      leaves: [0, 0]
    }
  ],
  check: [
    {
      prepare: add,
      words: ({ queue, size }) => [
        "check",
        queue,
        "--max-length",
        "1",
        "--max-age",
        "1h",
        "--cluster-size",
        String(size)
      ],
      shows: ({ size }) => new RegExp(`^OK: ${size} nodes, \\d+ queues?`),
      tells: ({ size }) => ({ status: "OK", problems: [], nodes: size }),
      leaves: [1, 0]
    },
    {
      prepare: add,
      words: ({ queue }) => ["check", queue, "--max-length", "0,5", "--min-consumers", "1", "--sample", "100ms"],
      status: 2,
      shows: ({ queue }) => new RegExp(`^CRITICAL: .*${queue}`),
      tells: () => ({ status: "CRITICAL" }),
      leaves: [1, 0]
    },
    {
      prepare: add,
      words: ({ queue }) => ["check", queue, "--max-length", "0,5"],
      status: 1,
      shows: ({ queue }) => new RegExp(`^WARNING: .*${queue}`),
      tells: () => ({ status: "WARNING" }),
      leaves: [1, 0]
    }
  ],
  bench: [
    {
      words: ({ size }) => [
        "bench",
        "--count",
        "50",
        "--producers",
        "4",
        "--consumers",
        "4",
        "--replicate",
        String(size)
      ],
      shows: () => /^ +JOBS +RATE[\s\S]*added +50 [\s\S]*delivered +50 /,
      tells: () => ({ added: 50, delivered: 50, failed: 0, left: [] }),
      leaves: [0, 0]
    }
  ],
  add: [
    {
      words: ({ queue, size }) => ["add", queue, "a", "b", "--replicate", String(size), "--retry", "1h"],
      shows: () => /^D-\S+\nD-\S+\n$/,
      tells: () => ({ line: 2, error: null }),
      leaves: [2, 0]
    },
    {
      words: ({ queue }) => ["add", queue, "a", "--replicate", "60000", "--timeout", "2s"],
      status: 1,
      shows: () => /NOREPL/,
      leaves: [0, 0]
    },
    {
      words: ({ queue }) => ["add", queue, "--lines", "--retry", "1h"],
      input: ["a", "b", "c"],
      shows: () => /^(D-\S+\n){3}$/,
      tells: () => ({ error: null }),
      leaves: [3, 0]
    }
  ],
  get: [
    {
      prepare: add,
      words: ({ queue }) => ["get", queue, ...patient, "--as", "json"],
      shows: ({ id }) => new RegExp(`^${id.replaceAll("+", "\\+")}[\\s\\S]*"n": 1`),
      tells: ({ id, queue }) => ({ id, queue, nacks: 0, body: '{"n":1}', outcome: null }),
      leaves: [1, 0]
    },
    {
      prepare: add,
      words: ({ queue }) => ["get", queue, ...patient, "--ack"],
      shows: () => /"n":1|"n": 1/,
      tells: ({ id }) => ({ id }),
      leaves: [0, 0]
    },
    {
      prepare: add,
      words: ({ queue }) => ["get", queue, ...patient, "--exec", "exit 3"],
      status: 1,
      shows: ({ id }) => new RegExp(`disco: ${id.replaceAll("+", "\\+")}: the command ended with status 3`),
      tells: ({ id }) => ({ id, outcome: "returned" }),
      leaves: [1, 0]
    },
    {
      prepare: add,
      words: ({ queue }) => ["get", queue, ...patient, "--exec", "cat >/dev/null"],
      shows: () => /^$/,
      tells: ({ id }) => ({ id, outcome: "acknowledged" }),
      leaves: [0, 0]
    }
  ],
  peek: [
    {
      prepare: add,
      words: ({ queue }) => ["peek", queue],
      shows: ({ id }) => new RegExp(id.slice(0, 10)),
      tells: ({ id, queue }) => ({ id, queue, state: "queued", body: '{"n":1}' }),
      leaves: [1, 0]
    }
  ],
  show: [
    {
      prepare: deliver,
      words: ({ id }) => ["show", id],
      shows: ({ id, queue }) => new RegExp(`^${id.replaceAll("+", "\\+")}[\\s\\S]*${queue}[\\s\\S]*delivered`),
      tells: ({ id, queue }) => ({ id, queue, state: "active" }),
      leaves: [0, 0]
    },
    {
      words: () => ["show", "D-0badcafe-AAAAAAAAAAAAAAAAAAAAAAAA-05a1"],
      status: 1,
      shows: () => /D-0badcafe/,
      leaves: [0, 0]
    }
  ],
  jobs: [
    {
      prepare: deliver,
      words: ({ queue }) => ["jobs", "--queue", queue, "--state", "active", "--grep", '"n"'],
      shows: ({ id }) => new RegExp(id.slice(0, 10)),
      tells: ({ id, queue }) => ({ id, queue, state: "active" }),
      leaves: [0, 0]
    }
  ],
  ack: [
    {
      prepare: add,
      words: ({ id }) => ["ack", id, "--yes"],
      shows: ({ id }) => new RegExp(id.slice(0, 10)),
      tells: ({ id }) => ({ id, outcome: "done" }),
      leaves: [0, 0]
    }
  ],
  nack: [
    {
      prepare: deliver,
      words: ({ id }) => ["nack", id],
      shows: ({ id }) => new RegExp(id.slice(0, 10)),
      tells: ({ id }) => ({ id, outcome: "done" }),
      leaves: [1, 0]
    }
  ],
  enqueue: [
    {
      prepare: deliver,
      words: ({ id }) => ["enqueue", id],
      shows: ({ id }) => new RegExp(id.slice(0, 10)),
      tells: ({ id }) => ({ id, outcome: "done" }),
      leaves: [1, 0]
    }
  ],
  dequeue: [
    {
      prepare: add,
      words: ({ id }) => ["dequeue", id, "--yes"],
      shows: ({ id }) => new RegExp(id.slice(0, 10)),
      tells: ({ id }) => ({ id, outcome: "done" }),
      leaves: [0, 0]
    }
  ],
  delete: [
    {
      prepare: add,
      words: ({ id }) => ["delete", id, "--yes"],
      shows: ({ id }) => new RegExp(id.slice(0, 10)),
      tells: ({ id }) => ({ id, outcome: "done" }),
      leaves: [0, 0]
    },
    {
      prepare: add,
      words: ({ id }) => ["delete", id],
      status: 2,
      shows: () => /give --yes/,
      leaves: [1, 0]
    }
  ],
  move: [
    {
      prepare: add,
      words: ({ other, queue }) => ["move", queue, other, "--yes"],
      shows: ({ other, queue }) => new RegExp(`^1 job moved from ${queue} to ${other}\\n$`),
      tells: ({ other, queue }) => ({ from: queue, to: other, moved: 1, error: null, maybeTwice: [] }),
      leaves: [0, 1]
    },
    {
      prepare: add,
      words: ({ other, queue }) => ["move", queue, other, "--dry-run"],
      shows: () => /^1 job would be moved /,
      tells: () => ({ moved: 1, isDryRun: true }),
      leaves: [1, 0]
    }
  ],
  "dead list": [
    {
      prepare: bury,
      words: ({ queue }) => ["dead", "list", queue],
      shows: () => /failed[\s\S]*no route to host/,
      tells: ({ id, queue }) => ({ id, queue, reason: "failed", attempts: 3, body: "dear" }),
      leaves: [0, 1]
    }
  ],
  "dead show": [
    {
      prepare: bury,
      words: ({ id, queue }) => ["dead", "show", queue, id],
      shows: () => /no route to host[\s\S]*dear/,
      tells: ({ id }) => ({ id, error: "no route to host" }),
      leaves: [0, 1]
    }
  ],
  "dead redrive": [
    {
      prepare: bury,
      words: ({ queue }) => ["dead", "redrive", queue, "--where", "failed"],
      shows: ({ queue }) => new RegExp(`^1 of 1 letter of ${queue} added again\\n$`),
      tells: () => ({ chosen: 1, done: 1, error: null }),
      leaves: [1, 0]
    }
  ],
  "dead purge": [
    {
      prepare: bury,
      words: ({ queue }) => ["dead", "purge", queue, "--dry-run"],
      shows: ({ queue }) => new RegExp(`^1 letter of ${queue} would be deleted\\n`),
      tells: () => ({ chosen: 1, isDryRun: true }),
      leaves: [0, 1]
    },
    {
      prepare: bury,
      words: ({ queue }) => ["dead", "purge", queue, "--yes"],
      shows: ({ queue }) => new RegExp(`^1 of 1 letter of ${queue} deleted\\n$`),
      tells: () => ({ chosen: 1, done: 1 }),
      leaves: [0, 0]
    }
  ],
  pause: [
    {
      prepare: add,
      words: ({ queue }) => ["pause", queue, "out"],
      shows: () => new RegExp(`${node} +delivers no jobs`),
      tells: ({ queue }) => ({ queue, nodes: [{ before: "none", after: "out", error: null }] }),
      leaves: [1, 0]
    }
  ],
  resume: [
    {
      prepare: (place) => Effect.zipLeft(add(place), Cluster.pause(place.queue, "out")),
      words: ({ queue }) => ["resume", queue],
      shows: () => new RegExp(`${node} +not paused +delivers no jobs`),
      tells: ({ queue }) => ({ queue, nodes: [{ before: "out", after: "none", error: null }] }),
      leaves: [1, 0]
    }
  ],
  "node leave": [
    {
      words: ({ nodeId }) => ["node", "leave", nodeId],
      status: 2,
      shows: () => new RegExp(`^disco: ${node} leaves the cluster: give --yes`),
      leaves: [0, 0]
    },
    {
      words: ({ nodeId }) => ["node", "leave", nodeId, "--every", "100ms", "--yes"],
      shows: () => new RegExp(`^it is safe to stop ${node}\\n$`),
      tells: () => ({ isSafe: true, failure: null }),
      leaves: [0, 0],
      disturbs: true
    }
  ],
  "node join": [
    {
      words: ({ node }) => ["node", "join", node],
      shows: () => new RegExp(`^${node} (stays|has joined: it is known by \\d+ nodes)\\n$`),
      tells: ({ node }) => ({ node }),
      leaves: [0, 0],
      disturbs: true
    },
    { words: () => ["node", "join", "nowhere"], status: 2, shows: () => /^disco: .*"nowhere"/, leaves: [0, 0] }
  ],
  "node forget": [
    {
      words: ({ nodeId }) => ["node", "forget", nodeId],
      status: 2,
      shows: () => new RegExp(`^disco: all nodes forget ${node}, which still runs: give --yes`),
      leaves: [0, 0]
    },
    {
      words: () => ["node", "forget", "192.0.2.1:1", "--yes"],
      status: 1,
      shows: () => /^disco: the cluster has no node "192\.0\.2\.1:1"/,
      leaves: [0, 0]
    },
    {
      // The last of all rows: the other nodes know it no more.
      words: ({ nodeId }) => ["node", "forget", nodeId, "--yes"],
      shows: ({ size }) => new RegExp(`^${node} is forgotten by ${size - 1} nodes\\n$`),
      leaves: [0, 0],
      disturbs: true
    }
  ]
}
