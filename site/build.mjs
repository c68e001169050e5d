// Builds the site into site/dist: the pages of the repository with a menu and a search, the reference from the sources, and the same
// pages as text for language models.

import { cpSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { Application } from "typedoc"
import { build } from "vitepress"
import { groups } from "./pages.mjs"

const at = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url))
const read = (/** @type {string} */ path) => readFileSync(at(`../${path}`), "utf8")

await build(at("."))

const packages = ["core", "funnel", "node", "embedded", "testing", "dashboard"]
const app = await Application.bootstrapWithPlugins({
  entryPoints: [
    ...packages.map((name) => at(`../packages/${name}/src/index.ts`)),
    // No index has what needs more than its package does.
    at("../packages/node/src/WorkerProcess.ts"),
    at("../packages/funnel/src/PersistedQueueStore.ts"),
    at("../packages/testing/src/behavior.ts")
  ],
  tsconfig: at("tsconfig.json"),
  // The types are checked elsewhere.
  skipErrorChecking: true,
  excludeInternal: true,
  disableSources: true,
  name: "Disco",
  readme: "none",
  navigationLinks: { Guide: "/docs/guide/", Command: "/docs/cli" },
  customCss: at("reference.css"),
  logLevel: "Error"
})
const project = await app.convert()
if (project === undefined) throw new Error("The reference could not be made.")
for (const each of project.children ?? []) each.name = `@disco/${each.name.replace(/\/src(?=\/|$)/, "")}`
await app.generateDocs(project, at("dist/api"))

/** The first paragraph of a page, as one line without links. @param {string} text */
const summary = (text) => {
  const paragraphs = text.replace(/^```.*?^```/gms, "").split(/\n{2,}/)
  const first = paragraphs.find((each) => /^[\p{L}`*[]/u.test(each)) ?? ""
  return first.replaceAll("\n", " ").replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
}

const list = groups.map(
  ({ pages, title }) =>
    `## ${title}\n\n${pages.map(({ path, text }) => `- [${text}](${path}): ${summary(read(path))}`).join("\n")}\n`
)
writeFileSync(at("dist/llms.txt"), `# Disco\n\n> ${summary(read("README.md"))}\n\n${list.join("\n")}`)
const pages = groups.flatMap(({ pages }) => pages)
for (const { path } of pages) cpSync(at(`../${path}`), at(`dist/${path}`))
// The programs and the files for operators that pages link to.
for (const { path } of pages) {
  for (const [, link = ""] of read(path).matchAll(/\]\(([^)\s:#]+\/[^)\s:#]+)\)/g)) {
    const file = join(dirname(path), link)
    if (!file.endsWith(".md")) cpSync(at(`../${file}`), at(`dist/${file}`), { recursive: true })
  }
}
writeFileSync(at("dist/llms-full.txt"), pages.map(({ path }) => `<!-- ${path} -->\n\n${read(path)}`).join("\n\n"))
