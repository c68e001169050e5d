// Checks the documents: the examples in Markdown and in TSDoc compile, relative links lead to a page and a heading that exist, and
// every page is linked from another one.

import { existsSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"

const root = fileURLToPath(new URL("..", import.meta.url))
const excluded = ["**/node_modules", "**/dist", "**/build"]
const read = (path: string): string => readFileSync(path, "utf8")
const shown = (path: string): string => relative(root, path)

const pages = ts.sys.readDirectory(root, [".md"], excluded, [
  "*.md",
  "docs",
  "packages/*/*.md",
  "bench/*.md",
  "examples/*.md"
])
const modules = ts.sys.readDirectory(root, [".ts"], excluded, ["packages/*/src"])

const problems: Array<string> = []

const lineOf = (text: string, at: number): number => text.slice(0, at).split("\n").length

/** The examples of all pages and modules, as files beside the examples of the repository: what these can import, they can too. */
const examples = new Map<string, { readonly path: string; readonly line: number; readonly text: string }>()
for (const [paths, pattern, margin] of [
  [pages, /^```ts\n(.*?)^```/gms, /^$/gm],
  [modules, /^ *\* ```ts\n(.*?)^ *\* ```/gms, /^ *\* ?/gm]
] as const) {
  for (const path of paths) {
    // What the guide shows are pieces of programs, which compile and run in examples/guide.
    if (shown(path).startsWith("docs/guide/")) continue
    const text = read(path)
    for (const found of text.matchAll(pattern)) {
      const example = { path, line: lineOf(text, found.index) + 1, text: (found[1] ?? "").replace(margin, "") }
      examples.set(ts.sys.resolvePath(join(root, `examples/example-${examples.size}.ts`)), example)
    }
  }
}

const config = ts.readConfigFile(join(root, "tsconfig.base.json"), ts.sys.readFile).config
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
// Examples define what their readers will use.
const unlike: ts.CompilerOptions = { composite: false, noEmit: true, noUnusedLocals: false, types: ["node"] }
const host = ts.createCompilerHost({ ...options, ...unlike })
const { fileExists, readFile } = host
host.fileExists = (name) => examples.has(name) || fileExists(name)
host.readFile = (name) => examples.get(name)?.text ?? readFile(name)
const program = ts.createProgram([...examples.keys()], { ...options, ...unlike }, host)
for (const { file, messageText, start } of ts.getPreEmitDiagnostics(program)) {
  const example = examples.get(file?.fileName ?? "")
  const line = file === undefined || start === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line
  const where = example === undefined ? shown(file?.fileName ?? "") : `${shown(example.path)}:${example.line + line}`
  problems.push(`${where}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`)
}

/** A heading as links name it. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\- ]/gu, "")
    .trim()
    .replaceAll(" ", "-")

const linked = new Set([join(root, "README.md")])
for (const page of pages) {
  const text = read(page)
  for (const { 1: link = "", index } of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(link)) continue
    const [path = "", heading] = link.split("#")
    const target = path === "" ? page : join(dirname(page), path)
    const headings = target.endsWith(".md") && existsSync(target) ? read(target).matchAll(/^#+ (.*)$/gm) : []
    if (!existsSync(target)) problems.push(`${shown(page)}:${lineOf(text, index)}: there is no ${link}`)
    else if (heading !== undefined && ![...headings].some(({ 1: title = "" }) => anchor(title) === heading))
      problems.push(`${shown(page)}:${lineOf(text, index)}: no heading is called ${link}`)
    if (target !== page) linked.add(target)
  }
}
for (const page of pages) {
  const isGenerated = page.endsWith("CHANGELOG.md")
  if (!linked.has(page) && !isGenerated) problems.push(`${shown(page)}: no other page links to it`)
}

for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
