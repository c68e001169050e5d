// Runs the `disco` command from its TypeScript source, in this very process: signals reach it directly, and no child
// process can be left behind.

import { fileURLToPath } from "node:url"

const bin = new URL("../packages/cli/src/bin.ts", import.meta.url)

try {
  const { register } = await import("tsx/esm/api")
  register()
  process.argv[1] = fileURLToPath(bin)
  await import(bin.href)
} catch (error) {
  if (error?.code !== "ERR_MODULE_NOT_FOUND" || !/Cannot find package/.test(error.message)) throw error
  console.error("The dependencies are not installed: run `npm run setup` first.")
  process.exit(1)
}
