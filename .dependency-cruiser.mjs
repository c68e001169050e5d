// Imports run one way: cli → dashboard, testing → node, embedded, funnel → core → effect. `npm run check:imports` says where they
// do not.

const src = (name) => `^packages/${name}/src/`

/** A package as it is resolved to: its folder in node_modules, which pnpm keeps in one of its own. */
const npm = (name) => `(^|/)node_modules/${name}/`

/** An error for each import of `packages/<name>/src` that resolves to none of `allowed`, nor (where told) to Node.js. */
const only = (name, { packages = [], modules, node }, comment) => ({
  name: `${name}-imports`,
  comment,
  severity: "error",
  from: { path: src(name) },
  to: {
    pathNot: [src(name), ...packages.map(src), ...modules.map(npm)],
    ...(node ? { dependencyTypesNot: ["core"] } : {})
  }
})

/**
 * An error for each import between the folders of `packages/<name>/src/<path>` that points up or sideways. `order` is from
 * bottom to top: a folder imports those before it. Folders in one array know nothing of each other.
 */
const layers = (name, path, order, comment) =>
  order.flatMap((layer, i) =>
    layer.flatMap((folder) => {
      const others = [...layer.filter((other) => other !== folder), ...order.slice(i + 1).flat()]
      if (others.length === 0) return []
      return {
        name: `${name}-${folder}-imports-up`,
        comment: `${comment} The order is ${order.map((each) => each.join(", ")).join(" → ")}: a folder imports those before it.`,
        severity: "error",
        from: { path: `${src(name)}${path}${folder}/` },
        to: { path: `${src(name)}${path}(${others.join("|")})/` }
      }
    })
  )

const turned = "What a folder needs of one above it, it says in an interface, which the one above provides."

/** The modules of Effect 3 that show how fibers work inside, and that Effect 4 does not have. */
const fiberInternals = [
  "DefaultServices",
  "FiberRef",
  "FiberRefs",
  "FiberRefsPatch",
  "FiberStatus",
  "MetricHook",
  "MetricKey",
  "MetricKeyType",
  "MetricRegistry",
  "RuntimeFlags",
  "RuntimeFlagsPatch",
  "Supervisor"
]

export default {
  forbidden: [
    only(
      "core",
      { modules: ["effect"] },
      "core says what Disque is, in types: it runs wherever effect does, and needs nothing else."
    ),
    only(
      "node",
      { packages: ["core"], modules: ["effect", "ioredis", "@effect/platform[^/]*"], node: true },
      "node is how bytes get to Disque from Node.js. It knows neither who uses it nor the stand-in for a real node."
    ),
    only(
      "funnel",
      { packages: ["core"], modules: ["effect", "@effect/experimental"] },
      "funnel works over whatever connection it is given: a socket, a link in the process. So it knows core alone."
    ),
    {
      name: "funnel-experimental-in-store",
      comment: "Who has no PersistedQueue does without @effect/experimental.",
      severity: "error",
      from: { path: src("funnel"), pathNot: "^packages/funnel/src/PersistedQueueStore\\.ts$" },
      to: { path: npm("@effect/experimental") }
    },
    only(
      "embedded",
      { packages: ["core"], modules: ["effect", "@effect/platform"] },
      "embedded runs on any runtime and any clock: sockets are those of @effect/platform, whoever implements them."
    ),
    only(
      "dashboard",
      { packages: ["core", "funnel"], modules: ["effect", "@effect/platform"] },
      "dashboard works over any pool and any HTTP server: it knows neither sockets nor Node.js."
    ),
    only(
      "testing",
      {
        packages: ["core", "node", "funnel", "embedded"],
        modules: ["effect", "@effect/vitest"],
        node: true
      },
      "testing puts a node in the process, time and faults together for tests. Only the behavior suite needs vitest."
    ),
    {
      name: "testing-vitest-in-behavior",
      comment: "Who tests with another runner has no vitest.",
      severity: "error",
      from: { path: src("testing"), pathNot: "^packages/testing/src/behavior(\\.ts|/)" },
      to: { path: npm("@effect/vitest") }
    },
    only(
      "cli",
      {
        packages: ["core", "node", "funnel", "embedded", "dashboard"],
        modules: ["effect", "@effect/(cli|platform|platform-node|printer|printer-ansi)"],
        node: true
      },
      "cli puts everything together for a terminal, from what it declares. It is on top: the rules above keep others from it."
    ),
    ...layers("core", "", [["commands"], ["cluster"], ["links"], ["executor", "fetching"], ["operations"]], turned),
    ...layers("funnel", "", [["internal"], ["incoming", "outgoing", "recurring"], ["worker"], ["deadLetter"]], turned),
    ...layers("embedded", "internal/", [["wire"], ["node"], ["bus", "disk"], ["host"]], turned),
    {
      name: "embedded-internal-imports-public",
      comment: "The public modules stand on the internal ones.",
      severity: "error",
      from: { path: "^packages/embedded/src/internal/" },
      to: { path: "^packages/embedded/src/[^/]+$" }
    },
    {
      name: "fiber-internals",
      comment:
        "What Effect 4 does not have stays in internal/runtime.ts of each package, so that a port changes one file.",
      severity: "error",
      from: { path: "^packages/[^/]+/src/", pathNot: "^packages/[^/]+/src/internal/runtime\\.ts$" },
      to: { path: `(^|/)node_modules/effect/.*/(${fiberInternals.join("|")})\\.` }
    },
    {
      name: "no-foreign-internals",
      comment:
        "Another package is imported by its name, as its users do: what its exports map does not offer may change at any time.",
      severity: "error",
      // A bundle of one package may hold that of another.
      from: { path: "^packages/([^/]+)/", pathNot: "/bundle\\.mjs$" },
      to: { path: "^packages/", pathNot: "^packages/$1/", dependencyTypes: ["local"] }
    },
    {
      name: "examples-use-names",
      comment: "Examples and measurements are programs of users: they import packages by name.",
      severity: "error",
      from: { path: "^(examples|bench)/" },
      to: { path: "^packages/", dependencyTypes: ["local"] }
    },
    {
      name: "src-not-to-test",
      comment: "Sources are published, tests are not.",
      severity: "error",
      from: { path: "^packages/[^/]+/src/" },
      to: { path: "^(packages/[^/]+/test|examples|bench)/" }
    },
    {
      name: "no-cycle",
      comment: "Modules in a cycle can only be understood all at once, even if the cycle is one of types alone.",
      severity: "error",
      from: {},
      to: { circular: true }
    },
    {
      name: "resolvable",
      comment: "An import that leads nowhere fails at run time, if not before.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true }
    },
    {
      name: "declared",
      comment:
        "A dependency that the package.json at hand does not name is there by accident, and not there for users.",
      severity: "error",
      from: { pathNot: "/vitest\\.config\\.ts$" }, // the tools are declared once, at the root
      // An optional peer counts as both.
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["npm-peer"] }
    },
    {
      name: "src-not-to-dev-dependency",
      comment:
        "devDependencies are not installed with a package: its sources cannot do with them. The command is a bundle.",
      severity: "error",
      from: { path: "^packages/[^/]+/src/", pathNot: src("cli") },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["npm", "npm-peer", "type-only"] }
    }
  ],
  options: {
    doNotFollow: { path: "(^|/)node_modules/" },
    exclude: { path: "^(packages/[^/]+|examples|bench)/(app|dist|build|bundle|coverage)/" },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "types", "default"],
      extensions: [".ts", ".tsx", ".js", ".mjs", ".json"]
    },
    moduleSystems: ["es6"]
  }
}
