import { assert, describe, it } from "@effect/vitest"
import { spawn } from "@lydell/node-pty"
import { script } from "./utils/process.js"

/** What the command writes on a terminal, byte for byte. */
const written = (env: Readonly<Record<string, string>>, ...words: ReadonlyArray<string>) =>
  new Promise<string>((resolve) => {
    const { NO_COLOR: _, ...own } = process.env
    const child = spawn(process.execPath, [script, ...words], {
      cols: 80,
      rows: 24,
      name: env.TERM ?? "xterm-256color",
      env: { ...own, XDG_CONFIG_HOME: "/nowhere", ...env }
    })
    let text = ""
    child.onData((data) => {
      text += data
    })
    // What was written last may still be on its way.
    child.onExit(() => setTimeout(() => resolve(text), 500))
  })

const esc = String.fromCharCode(0x1b)

describe.skipIf(process.platform === "win32")("the colors of disco", { timeout: 120_000 }, () => {
  it("are on a terminal, and not with NO_COLOR or on a terminal that has none", async () => {
    const [plain, none, dumb] = await Promise.all([
      written({}, "ping", "--help"),
      written({ NO_COLOR: "1" }, "ping", "--help"),
      written({ TERM: "dumb" }, "ping", "--help")
    ])
    assert.include(plain, esc)
    for (const text of [none, dumb]) {
      assert.include(text, "Usage")
      assert.notInclude(text, esc)
    }
  })
})
