/** Runs the measurement that is named on the command line. */

const measurements: Readonly<Record<string, () => Promise<{ readonly run: () => Promise<void> }>>> = {
  embedded: () => import("./embedded/run.js")
}

const name = process.argv[2] ?? ""
const load = Object.hasOwn(measurements, name) ? measurements[name] : undefined
if (load === undefined) {
  process.stderr.write(`usage: pnpm bench NAME, where NAME is one of ${Object.keys(measurements).join(", ")}\n`)
  process.exitCode = 1
} else {
  await (await load()).run()
}
