// Packs the packages that the command needs, as they are published, into the folder given.
import { execSync } from "node:child_process"
import { pnpm } from "../../scripts/pnpm.mjs"

const names = ["core", "node", "funnel", "embedded", "cli"].map((name) => `--filter=@disco/${name}`)
execSync(`${pnpm} --recursive ${names.join(" ")} pack "--pack-destination=${process.argv[2]}"`, { stdio: "inherit" })
