import { defineProject } from "vitest/config"

export default defineProject({
  test: {
    name: "funnel",
    include: ["test/**/*.test.ts"],
    // TestClock takes a turn of the event loop for each step: tests overlap in it. Where they share something, they are in sequence.
    sequence: { concurrent: true },
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
