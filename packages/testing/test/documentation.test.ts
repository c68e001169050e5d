import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Option } from "effect"
import ts from "typescript"
import { afterEach, beforeEach, vi } from "vitest"
import { DiscoTest } from "../src/index.js"

const packages = fileURLToPath(new URL("../..", import.meta.url))

interface Example {
  /** The file and the line. */
  readonly place: string
  readonly code: string
}

/** The examples in the documentation of a package. */
const examplesOf = (name: string): ReadonlyArray<Example> =>
  readdirSync(`${packages}${name}/src`, { encoding: "utf8", recursive: true })
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) => {
      const text = readFileSync(`${packages}${name}/src/${path}`, "utf8")
      return [...text.matchAll(/^ *\* ```ts\n(.*?)^ *\* ```/gms)].map(({ 1: code = "", index }) => ({
        place: `${name}/src/${path}:${text.slice(0, index).split("\n").length}`,
        code: code.replace(/^ *\* ?/gm, "")
      }))
    })

// They need a real server, a folder, a socket, a runner of tests, or a process of their own.
const isElsewhere = ({ code }: Example): boolean =>
  /NodeDisque|NodeContext|NodeRuntime|NodeSocketServer|WorkerProcess|PersistedQueue|DisqueServer|HttpApi|DashboardApi|behavior\(|\bit\./.test(
    code
  )

/** Runs the module of an example, and gives the effects among its constants. */
const effectsOf = async ({ code }: Example): Promise<ReadonlyArray<Effect.Effect<unknown, unknown>>> => {
  const names = [...code.matchAll(/^const (\w+)/gm)].map(([, name]) => name)
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
  })
  const modules = new Map<string, unknown>()
  for (const [, name = ""] of outputText.matchAll(/^import .* from "(.*)";$/gm)) modules.set(name, await import(name))
  const body = outputText
    .replace(/^import (.*) from (".*");$/gm, "const $1 = modules.get($2);")
    .replace(/^export .*$/gm, "")
  const run = new Function("modules", `${body}\nreturn [${names.join(", ")}]`)
  return run(modules).filter(Effect.isEffect)
}

/** What an effect does with the nodes of a test, in a minute of virtual time. Some go on for ever. */
const inAMinute = (effect: Effect.Effect<unknown, unknown>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(effect)
    yield* DiscoTest.advance("1 minute")
    const exit = yield* Fiber.poll(fiber)
    return Option.isSome(exit) && Exit.isFailure(exit.value) ? Cause.dieOption(exit.value.cause) : Option.none()
  }).pipe(Effect.provide(DiscoTest.layer({ nodes: 3 })))

const runnable = (name: string) =>
  Effect.promise(async () => {
    const found: Array<readonly [place: string, effect: Effect.Effect<unknown, unknown>]> = []
    for (const example of examplesOf(name)) {
      if (isElsewhere(example)) continue
      for (const effect of await effectsOf(example)) found.push([example.place, effect])
    }
    return found
  })

describe.sequential("the examples of the documentation", () => {
  beforeEach(() => {
    vi.spyOn(console, "log").mockImplementation(() => {})
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })

  for (const [name, least] of [
    ["core", 60],
    ["funnel", 15],
    ["embedded", 5]
  ] as const) {
    it.effect(
      `of ${name} run without a defect`,
      () =>
        Effect.gen(function* () {
          const effects = yield* runnable(name)
          assert.isAbove(effects.length, least)
          for (const [place, effect] of effects) {
            assert.deepStrictEqual(yield* inAMinute(effect), Option.none(), place)
          }
        }),
      60_000
    )
  }

  it.effect(
    "of testing are tests that pass",
    () =>
      Effect.gen(function* () {
        const effects = yield* runnable("testing")
        assert.isAbove(effects.length, 15)
        for (const [place, effect] of effects) {
          const exit = yield* Effect.exit(effect)
          assert.isTrue(Exit.isSuccess(exit), `${place}: ${exit}`)
        }
      }),
    60_000
  )
})
