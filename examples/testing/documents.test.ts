import { readdir, readFile } from "node:fs/promises"
import { assert, it } from "@effect/vitest"

const read = (path: string) => readFile(new URL(path, import.meta.url), "utf8")

it("the pages about tests show programs that are files here, to the letter, and this page shows all of them", async () => {
  const [page, readme] = await Promise.all([read("../../docs/testing.md"), read("../../packages/testing/README.md")])
  const names = (await readdir(new URL(".", import.meta.url))).filter((name) => /(?<!documents)\.test\.ts$/.test(name))
  const sources = await Promise.all(names.map(read))
  const shown = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map(([, text]) => text)
  assert.sameMembers(shown, sources)
  assert.include(readme, await read("emails.test.ts"))
})
