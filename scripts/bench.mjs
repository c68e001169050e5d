// Runs a measurement of bench/ from its TypeScript source: `pnpm bench NAME`.

import { fileURLToPath } from "node:url"

const run = new URL("../bench/run.ts", import.meta.url)

try {
  const { register } = await import("tsx/esm/api")
  register()
  process.argv[1] = fileURLToPath(run)
  await import(run.href)
} catch (error) {
  if (error?.code !== "ERR_MODULE_NOT_FOUND" || !/Cannot find package/.test(error.message)) throw error
  console.error("The dependencies are not installed: run `npm run setup` first.")
  process.exit(1)
}
