import { defineProject } from "vitest/config"

export default defineProject({
  test: {
    name: "embedded",
    include: ["test/**/*.test.ts"],
    setupFiles: ["../core/test/utils/hrtime.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
