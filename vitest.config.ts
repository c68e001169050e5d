import { defineConfig } from "vitest/config"
import projects from "./vitest.workspace.js"

export default defineConfig({
  test: {
    projects,
    // One worker per core: the slowest files wait for real sockets, and barely use theirs.
    maxWorkers: "100%",
    // The files of a project share processes: most take less time than to load effect. Tests make much that lives for a short time.
    poolOptions: { forks: { isolate: false, execArgv: ["--max-semi-space-size=64"] } }
  }
})
