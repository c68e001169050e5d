/**
 * A browser to test in. `@sparticuz/chromium` is one that comes as a package, and needs nothing of the system: it is unpacked once, and
 * kept beside the other packages. Its version is the last one for Node.js 20. It is for Linux on x64; elsewhere an installed one is
 * looked for.
 */
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { type Browser, chromium, type LaunchOptions } from "playwright-core"

const modules = fileURLToPath(new URL("../../node_modules", import.meta.url))
const folder = join(modules, ".chromium-147")

/**
 * Unpacks the browser and the libraries that a bare system has not. It does so below the folder for temporary files, and the
 * libraries only where it takes the system for one of its own.
 */
const unpack = (): void => {
  const work = mkdtempSync(`${folder}.`)
  try {
    const entry = createRequire(import.meta.url).resolve("@sparticuz/chromium")
    const program = `import(${JSON.stringify(pathToFileURL(entry).href)}).then(({ default: it }) => (it.default ?? it).executablePath())`
    execFileSync(process.execPath, ["-e", program], {
      env: { ...process.env, TMPDIR: work, AWS_LAMBDA_JS_RUNTIME: "nodejs20.x" },
      timeout: 60_000
    })
    renameSync(work, folder)
  } catch (error) {
    // Another process may have been faster.
    if (!existsSync(folder)) throw error
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

const escaped = (path: string): string => path.replaceAll("&", "&amp;").replaceAll("<", "&lt;")

/** Names the fonts of the package and those of the system: the package looks for its own only in folders of a service that it is made for. */
const nameFonts = (): string => {
  const file = join(folder, "fonts.conf")
  const folders = [join(folder, "fonts"), "/usr/share/fonts", "/usr/local/share/fonts"]
  const lines = [
    ...folders.map((each) => `<dir>${escaped(each)}</dir>`),
    `<cachedir>${escaped(join(folder, "fonts-cache"))}</cachedir>`
  ]
  writeFileSync(file, `<?xml version="1.0"?>\n<fontconfig>\n${lines.join("\n")}\n</fontconfig>\n`)
  return file
}

const flags = ["--no-sandbox", "--disable-dev-shm-usage", "--font-render-hinting=none"]

const packaged = (): LaunchOptions => {
  if (!existsSync(folder)) unpack()
  const libraries = join(folder, "al2023/lib")
  return {
    executablePath: join(folder, "chromium"),
    args: [...flags, "--headless=shell", "--no-zygote"],
    env: {
      ...process.env,
      // Those of the system come first: the browser asks for them by version.
      LD_LIBRARY_PATH: ["/usr/lib/x86_64-linux-gnu", "/lib64", libraries].join(":"),
      FONTCONFIG_FILE: nameFonts()
    }
  }
}

const installed = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe"
]

const candidates = (): ReadonlyArray<() => LaunchOptions> => [
  ...(process.platform === "linux" && process.arch === "x64" ? [packaged] : []),
  ...installed.filter(existsSync).map((executablePath) => () => ({ executablePath, args: flags }))
]

/** Starts the first browser that runs here; or says why none does. */
export const launch = async (): Promise<Browser | string> => {
  const reasons: Array<string> = []
  for (const options of candidates()) {
    try {
      return await chromium.launch({ headless: true, timeout: 30_000, ...options() })
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error))
    }
  }
  return `No Chromium runs here, so the page is not tested in a browser. ${reasons.join("\n")}`
}
