// Puts the page of the dashboard, web/, into a few files in app/: the server reads it from there, and it is published there. It ends
// at once where app/ is newer than what it is made of.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const folder = fileURLToPath(new URL(".", import.meta.url))
const source = join(folder, "web")
const outdir = join(folder, "app")
/** What the page shares with the command. */
const figures = join(folder, "../core/src/internal/figures.ts")

/** When what the page is made of last changed. */
const changedAt = () => {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).map((name) => join(source, name))
  return Math.max(
    ...[...files, figures, join(folder, "bundle.mjs"), join(folder, "package.json")].map(
      (file) => statSync(file).mtimeMs
    )
  )
}

const isFresh = () => {
  const last = join(outdir, "THIRD-PARTY.md")
  return existsSync(last) && statSync(last).mtimeMs > changedAt()
}

/**
 * uPlot asks for the formats of the language of the browser while it is loaded, and ends the page where the system names a language
 * that is none ("en-US@posix"). The page writes all figures in one way.
 *
 * @type {import("esbuild").Plugin}
 */
const oneLanguage = {
  name: "one-language",
  setup: ({ onLoad }) =>
    onLoad({ filter: /uPlot\.esm\.js$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8")
      const contents = text.replace("domEnv ? nav.language : 'en-US'", "'en-US'")
      if (contents === text) throw new Error("uPlot asks for the language in another way than before.")
      return { contents }
    })
}

const bundle = async () => {
  if (isFresh()) return
  // Loaded only here: before the first installation there is no esbuild.
  const { build } = await import("esbuild")
  const { writeLicenses } = await import("../../scripts/licenses.mjs")
  // A server may read app/ meanwhile, and another process may do the same as this one.
  const work = `${outdir}.${process.pid}`
  mkdirSync(work, { recursive: true })
  try {
    const { metafile } = await build({
      absWorkingDir: folder,
      entryPoints: { app: "web/main.tsx", style: "web/style/index.css" },
      outdir: work,
      bundle: true,
      minify: true,
      format: "esm",
      target: "es2022",
      jsx: "automatic",
      jsxImportSource: "preact",
      metafile: true,
      plugins: [oneLanguage],
      logLevel: "warning"
    })
    for (const name of ["index.html", "icon.svg"]) cpSync(join(source, name), join(work, name))
    writeLicenses(
      work,
      // What was only looked at, and has no part in the page, is in none of the outputs.
      Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs).map((path) => join(folder, path)))
    )
    rmSync(outdir, { recursive: true, force: true })
    renameSync(work, outdir)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

// vitest asks for a function, and calls it before the tests.
export default bundle

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle()
