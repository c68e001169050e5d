// The pages in the order in which they are read: for the menu of the site, and for llms.txt.

/** @param {string} path @param {string} text */
const page = (path, text) => ({ path, text })

export const groups = [
  {
    title: "Begin",
    pages: [
      page("README.md", "What Disco is"),
      page("docs/guide/README.md", "The guide"),
      page("docs/guide/tutorial.md", "Tutorial")
    ]
  },
  {
    title: "Tasks",
    pages: [
      page("docs/guide/queues.md", "Queues and payloads"),
      page("docs/guide/adding.md", "Adding jobs"),
      page("docs/guide/workers.md", "Workers"),
      page("docs/guide/retries.md", "Retries and dead letters"),
      page("docs/guide/funnels.md", "Funnels"),
      page("docs/guide/scheduling.md", "Scheduling"),
      page("docs/testing.md", "Testing"),
      page("docs/guide/worker-process.md", "A worker in a process of its own"),
      page("docs/guide/shutting-down.md", "Shutting down"),
      page("docs/guide/observing.md", "Observing"),
      page("docs/guide/recipes.md", "Recipes"),
      page("docs/guide/effect.md", "Beside other packages of Effect")
    ]
  },
  {
    title: "Running it",
    pages: [
      page("docs/one-machine.md", "One machine"),
      page("docs/guide/cluster.md", "A cluster"),
      page("docs/moving-to-a-cluster.md", "Moving to a cluster"),
      page("docs/operating.md", "After a node was away"),
      page("docs/guide/security.md", "Security"),
      page("docs/performance.md", "Performance"),
      page("docs/guide/errors.md", "Errors"),
      page("docs/guide/troubleshooting.md", "Troubleshooting"),
      page("docs/cli.md", "The command"),
      page("packages/dashboard/README.md", "The dashboard")
    ]
  },
  {
    title: "What holds",
    pages: [
      page("docs/guarantees.md", "Guarantees"),
      page("docs/timeouts.md", "Time-outs"),
      page("docs/telemetry.md", "Spans and metrics"),
      page("docs/sizes.md", "Sizes"),
      page("docs/commands.md", "Commands"),
      page("docs/architecture.md", "Architecture"),
      page("docs/adr/README.md", "Decisions"),
      page("CONTRIBUTING.md", "Contributing")
    ]
  },
  {
    title: "Packages",
    pages: ["core", "node", "funnel", "embedded", "testing", "cli"].map((name) =>
      page(`packages/${name}/README.md`, `@disco/${name}`)
    )
  },
  {
    title: "If you know another queue",
    pages: [
      page("docs/guide/from-bullmq.md", "BullMQ"),
      page("docs/guide/from-oban-and-sidekiq.md", "Oban and Sidekiq"),
      page("docs/guide/from-go.md", "The Go Disco"),
      page("docs/guide/comparison.md", "How Disco compares")
    ]
  }
]
