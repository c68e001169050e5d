import { readFileSync } from "node:fs"

const { packageManager } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))

/** The command of the pnpm that package.json pins, for a machine that has only Node.js and npm. */
export const pnpm = `npm exec --yes --loglevel=error --prefer-offline --package=${packageManager} -- pnpm`
