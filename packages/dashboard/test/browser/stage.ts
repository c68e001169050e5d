/** A dashboard over an embedded cluster, and a browser to look at it with. */
import { deepStrictEqual } from "node:assert"
import { DisquePool, type Job, JobId } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Effect, Layer, Logger, LogLevel, ManagedRuntime, Option } from "effect"
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core"
import { clusterOf, fill } from "./demo.js"
import { type Dashboards, serve } from "./serve.js"

/** The row of a queue in a table. */
export const row = (page: Page, name: string): Locator =>
  page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) })

/** The cell of a queue in a column: the figures of two columns may be the same. */
export const cell = async (page: Page, name: string, column: string): Promise<Locator> => {
  await page.getByRole("columnheader", { name: column, exact: true }).waitFor()
  const columns = await page.getByRole("columnheader").allTextContents()
  const at = columns.findIndex((each) => each.startsWith(column))
  return row(page, name).locator("th, td").nth(at)
}

/** A figure with its label. */
export const tile = (page: Page, label: string): Locator =>
  page.locator(".tile").filter({ has: page.locator("dt", { hasText: new RegExp(`^${label}$`) }) })

export interface Looks extends Pick<BrowserContextOptions, "colorScheme"> {
  /** What the console may say: a browser logs each answer that is an error. */
  readonly errors?: RegExp
}

type Visit = (address: string, look: (page: Page) => Promise<void>, looks?: Looks) => Promise<void>

/** Longer than the page takes to show what changed; a busy machine is slow. */
const patience = 15_000

export class Stage {
  readonly nodes: EmbeddedDisque.Service["nodes"]
  readonly password: string
  readonly browser: Browser
  private readonly runtime: ManagedRuntime.ManagedRuntime<DisquePool | EmbeddedDisque, unknown>
  private readonly servers: Dashboards

  private constructor(
    browser: Browser,
    runtime: Stage["runtime"],
    nodes: EmbeddedDisque.Service["nodes"],
    servers: Dashboards
  ) {
    this.browser = browser
    this.runtime = runtime
    this.nodes = nodes
    this.servers = servers
    this.password = servers.password
  }

  /** The demo on three nodes, or a number of nodes with nothing on them. */
  static async open(browser: Browser, empty?: number): Promise<Stage> {
    const runtime = ManagedRuntime.make(Layer.merge(clusterOf(empty ?? 3), Logger.minimumLogLevel(LogLevel.None)))
    const { nodes } = await runtime.runPromise(EmbeddedDisque)
    if (empty === undefined) await runtime.runPromise(fill)
    // A look at very many queues takes its time.
    return new Stage(browser, runtime, nodes, await serve(runtime, empty === undefined ? "500 millis" : "1 second"))
  }

  async close(): Promise<void> {
    await this.servers.close()
    await this.runtime.dispose()
  }

  run<A, E>(effect: Effect.Effect<A, E, DisquePool | EmbeddedDisque>): Promise<A> {
    return this.runtime.runPromise(effect)
  }

  /** What the nodes know of a job. */
  show(id: string): Promise<Job.JobInfo | undefined> {
    return this.run(
      Effect.gen(function* () {
        const pool = yield* DisquePool
        const { nodes } = yield* EmbeddedDisque
        const found = yield* Effect.forEach(nodes, ({ address }) => pool.on(address).show(JobId.make(id)))
        return found.flatMap(Option.toArray).at(0)
      })
    )
  }

  /** Lets the sessions of the dashboard with a password end. */
  endSessions(): void {
    this.servers.endSessions()
  }

  /** Ends all connections to the dashboards, as a proxy does that is started anew. */
  cutConnections(): void {
    for (const server of this.servers.all) server.closeAllConnections()
  }

  /** Opens a screen in a browser of its own. Afterwards, nothing may be wrong in its console, and no other host was asked. */
  readonly visit: Visit = (address, look, looks) => this.open(this.servers.open, address, look, looks)

  readonly visitReadOnly: Visit = (address, look, looks) => this.open(this.servers.readOnly, address, look, looks)

  readonly visitWithPassword: Visit = (address, look, looks) => this.open(this.servers.guarded, address, look, looks)

  private async open(
    base: string,
    address: string,
    look: (page: Page) => Promise<void>,
    looks: Looks = {}
  ): Promise<void> {
    const { colorScheme = "light", errors } = looks
    const context = await this.browser.newContext({
      viewport: { width: 1440, height: 900 },
      colorScheme,
      locale: "en-US",
      reducedMotion: "reduce"
    })
    // As in a browser whose system names a language that is none.
    await context.addInitScript('Object.defineProperty(navigator, "language", { get: () => "en-US@posix" })')
    const problems: Array<string> = []
    context.on("console", (message) => {
      const text = message.text()
      if (/error|warning/.test(message.type()) && errors?.test(text) !== true) problems.push(text)
    })
    context.on("weberror", (error) => problems.push(error.error().stack ?? error.error().message))
    context.on("request", (request) => {
      if (!request.url().startsWith(base)) problems.push(`asked for ${request.url()}`)
    })
    const page = await context.newPage()
    page.setDefaultTimeout(patience)
    try {
      await page.goto(`${base}#${address}`)
      await look(page)
      deepStrictEqual(problems, [])
    } catch (error) {
      const text = await page
        .locator("body")
        .ariaSnapshot({ timeout: 5000 })
        .catch(() => "nothing")
      throw new Error(`${page.url()} shows:\n${text.slice(0, 4000)}\n${problems.join("\n")}`, { cause: error })
    } finally {
      await context.close()
    }
  }
}
