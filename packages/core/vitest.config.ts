import { defineProject } from "vitest/config"

export default defineProject({
  test: {
    name: "core",
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/utils/hrtime.ts"],
    // TestClock takes real time for each step: the tests of a file overlap in it.
    maxConcurrency: 10,
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
