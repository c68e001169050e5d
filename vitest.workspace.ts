/** The projects that one `vitest run` at the root runs; vitest.config.ts hands them to vitest as `test.projects`. */
export default [
  "packages/*",
  { root: "examples", test: { name: "examples", include: ["**/*.test.ts"], testTimeout: 10_000 } },
  { root: "bench", test: { name: "bench", include: ["*.test.ts"], testTimeout: 20_000 } }
]
