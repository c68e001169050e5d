import { defineConfig } from "vitest/config"
import projects from "./vitest.workspace.js"

export default defineConfig({
  // One worker per core: the slowest files wait for real sockets, and barely use theirs.
  test: { projects, maxWorkers: "100%" }
})
