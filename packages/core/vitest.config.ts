import { defineProject } from "vitest/config"

export default defineProject({
  test: {
    name: "core",
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/utils/hrtime.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
