import { defineProject } from "vitest/config"

export default defineProject({
  test: { name: "funnel", include: ["test/**/*.test.ts"] }
})
