import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { type Call, realServer, withEmbedded, withReal } from "../utils/brokers.js"
import { inOrder, nodeIdOf, recordsOf, run, type Template } from "../utils/sameFile.js"

const templates: ReadonlyArray<Template> = JSON.parse(
  readFileSync(new URL("../data/aof-templates.json", import.meta.url), "utf8")
)

const check = async (
  template: Template,
  run1: (dir: string, use: (call: Call) => Promise<void>) => Promise<void>
): Promise<void> => {
  const dir = mkdtempSync(join(tmpdir(), "disco-same-"))
  try {
    await run1(dir, async (call) => {
      const ids = await run(call, template)
      const records = recordsOf(join(dir, "disque.aof"), ids, nodeIdOf(dir))
      assert.deepStrictEqual(inOrder(template, records), template.records)
    })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

describe.concurrent("the same commands leave the same bytes, but for ids and times", { timeout: 60_000 }, () => {
  for (const template of templates) {
    it(`on an embedded node: ${template.name}`, () => check(template, (dir, use) => withEmbedded({ dir }, use)))

    it.skipIf(realServer === undefined)(`on a real server: ${template.name}`, () =>
      check(template, (dir, use) => withReal(dir, [], use))
    )
  }
})
