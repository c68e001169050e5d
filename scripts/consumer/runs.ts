// Runs the smallest programs that use the packed packages, on one version of Node.js, in a folder that has nothing else.

import { execFile } from "node:child_process"
import { join } from "node:path"
import { install, write } from "./install.js"
import type { Tarball } from "./tarball.js"

/** What a program may take on a machine that does other things, in ms. */
const patience = 120_000

const adding = `
import { DisqueConnection, Job } from "@disco/core"
import { EmbeddedDisque } from "@disco/embedded"
import { Effect } from "effect"

const program = Effect.gen(function* () {
  const disque = yield* DisqueConnection
  yield* disque.addJob("greetings", "hello")
  const job = yield* disque.getJob("greetings")
  yield* disque.ackJob(job)
  console.log(Job.text(job))
})
await Effect.runPromise(Effect.provide(program, EmbeddedDisque.layerConnection))
`

const testing = `
import { DisquePool, JobQueue } from "@disco/core"
import { Worker } from "@disco/funnel"
import { DiscoTest } from "@disco/testing"
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"

const emails = JobQueue.make("emails", { payload: Schema.String })

it.effect("a mail that cannot be sent now is sent later", () =>
  Effect.gen(function* () {
    const sent = []
    yield* Worker.make(emails, (to, { attempt }) =>
      attempt < 3 ? Effect.fail("busy") : Effect.sync(() => sent.push(to))
    )
    yield* emails.add(yield* DisquePool, "ada@example.com")
    yield* DiscoTest.advance("10 minutes")
    assert.deepStrictEqual(sent, ["ada@example.com"])
  }).pipe(Effect.provide(DiscoTest.layer()))
)
`

/** The `node` of a version, which npx downloads if it is not there. */
export const nodeOf = (version: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const args = ["--yes", "--package", `node@${version}`, "--", "node", "--print", "process.execPath"]
    execFile("npx", args, { shell: process.platform === "win32" }, (error, stdout) =>
      error === null ? resolve(stdout.trim()) : reject(error)
    )
  })

/** What does not run with `node`, in a folder that is empty. */
export const checkRuns = async (
  folder: string,
  tarballs: ReadonlyArray<Tarball>,
  node: string
): Promise<ReadonlyArray<string>> => {
  const libraries = tarballs.filter(({ manifest }) => manifest.bin === undefined)
  const commands = tarballs.filter(({ manifest }) => manifest.bin !== undefined)
  install(join(folder, "command"), commands, "strict")
  install(folder, libraries, "flat")
  const importing = libraries.map(({ manifest }) => `import "${manifest.name}"`).join("\n")
  write(
    folder,
    new Map([
      ["importing.js", `${importing}\nconsole.log("imported")`],
      ["adding.js", adding],
      ["emails.test.js", testing]
    ])
  )
  const problems: Array<string> = []
  const expect = (subject: string, args: ReadonlyArray<string>, stdout: RegExp): Promise<void> =>
    new Promise((resolve) => {
      execFile(
        node,
        args,
        { cwd: folder, timeout: patience, env: { ...process.env, NO_COLOR: "1" } },
        (error, out, err) => {
          if (error !== null || !stdout.test(out)) problems.push(`${subject} fails:\n${out}${err}`)
          resolve()
        }
      )
    })
  await expect("a program that imports all packages", ["importing.js"], /^imported\n$/)
  await expect("a program that adds a job and takes it", ["adding.js"], /^hello\n$/)
  await expect("a test with the test kit", ["node_modules/vitest/vitest.mjs", "run", "--root", "."], /\b1 passed\b/)
  for (const { manifest } of commands) {
    for (const [name, path] of Object.entries(manifest.bin ?? {})) {
      const bin = join("command/node_modules", manifest.name, path)
      await expect(`${name} --version`, [bin, "--version"], new RegExp(`^${manifest.version}\n$`))
    }
  }
  return problems
}
