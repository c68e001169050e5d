import { defineProject } from "vitest/config"

export default defineProject({
  test: {
    name: "dashboard",
    include: ["test/**/*.test.ts"],
    globalSetup: "bundle.mjs",
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
