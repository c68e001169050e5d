import { defineConfig } from "vitepress"
import { groups } from "../pages.mjs"

export default defineConfig({
  title: "Disco",
  description: "Disque for Effect: typed jobs, workers, and queues that lose nothing",
  // The pages are those that one reads in the repository, with the same links.
  srcDir: "..",
  srcExclude: ["**/node_modules/**", "**/CHANGELOG.md", "**/build/**", "**/bundle/**", ".changeset/**", "site/**"],
  outDir: "dist",
  cacheDir: "build/cache",
  rewrites: (path) => path.replace(/(^|\/)README\.md$/, "$1index.md"),
  cleanUrls: true,
  markdown: {
    config: (md) => {
      md.core.ruler.push("readme-links", ({ tokens }) => {
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          const href = token.attrGet("href")
          if (href !== null) token.attrSet("href", href.replace(/(^|\/)README\.md(?=#|$)/, "$1index.md"))
        }
      })
    }
  },
  // Files that are no pages: `build.mjs` copies them.
  ignoreDeadLinks: [/\.(ts|json|yml|service)$/, /\/Dockerfile$/],
  themeConfig: {
    search: { provider: "local" },
    outline: "deep",
    nav: [
      { text: "Guide", link: "/docs/guide/" },
      { text: "Command", link: "/docs/cli" },
      { text: "API", link: "/api/index.html", target: "_self" }
    ],
    sidebar: groups.map(({ pages, title }) => ({
      text: title,
      items: pages.map(({ path, text }) => ({ text, link: `/${path.replace(/(README)?\.md$/, "")}` }))
    }))
  }
})
