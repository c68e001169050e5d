import { defineProject } from "vitest/config"

export default defineProject({
  test: {
    name: "node",
    include: ["test/**/*.test.ts"],
    setupFiles: ["../core/test/utils/hrtime.ts"],
    testTimeout: 120_000,
    hookTimeout: 60_000
  }
})
