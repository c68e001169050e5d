import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { EmbeddedDisque, type EmbeddedNode } from "../src/index.js"
import { Failure } from "../src/internal/wire/answers.js"
import { CommandParser } from "../src/internal/wire/commandParser.js"
import { TcpClient } from "./utils/client.js"
import { serveCluster } from "./utils/server.js"
import {
  argumentBytes,
  encode,
  match,
  type Recorded,
  recorded,
  type Scenario,
  type Step,
  scenarios
} from "./utils/wire.js"

/** A client of whatever kind, with the time it lives in. */
interface Talker {
  readonly write: (bytes: Uint8Array) => Effect.Effect<void>
  readonly next: (ms: number) => Effect.Effect<Recorded | undefined>
  readonly close: Effect.Effect<void>
}

interface World {
  readonly connect: (node: number) => Effect.Effect<Talker>
  readonly sleep: (ms: number) => Effect.Effect<void>
  readonly now: Effect.Effect<number>
  readonly ports: ReadonlyArray<number>
}

const runStep = Effect.fnUntraced(function* (
  world: World,
  talkers: Map<string, Talker>,
  variables: Map<string, string>,
  step: Step
) {
  if (step.sleep !== undefined) return yield* world.sleep(step.sleep)
  const name = step.on ?? "a"
  const talker = talkers.get(name) ?? (yield* world.connect(step.node ?? 1))
  talkers.set(name, talker)
  if (step.close === true) {
    talkers.delete(name)
    return yield* talker.close
  }
  if (step.send !== undefined) {
    yield* talker.write(encode(step.send.map((argument) => argumentBytes(argument, variables))))
  }
  if (step.raw !== undefined) yield* talker.write(Buffer.from(step.raw))
  if (step.silent !== undefined) assert.isUndefined(yield* talker.next(step.silent))
  if (step.reply === undefined) return
  const started = yield* world.now
  const reply = (yield* talker.next(step.within ?? 5000)) ?? { nothing: true }
  const took = (yield* world.now) - started
  assert.deepStrictEqual(match(step.reply, reply, variables), [], JSON.stringify(step.send ?? step.raw))
  if (step.notBefore !== undefined) assert.isAtLeast(took, step.notBefore)
})

const runScenario = Effect.fnUntraced(function* (world: World, scenario: Scenario) {
  const talkers = new Map<string, Talker>()
  const variables = new Map(world.ports.map((port, i): [string, string] => [`@port${i + 1}`, String(port)]))
  for (const step of scenario.steps) yield* runStep(world, talkers, variables, step)
  for (const talker of talkers.values()) yield* talker.close
})

const configOf = ({ config = {} }: Scenario) => ({
  ...(config.requirepass === undefined ? {} : { requirepass: Redacted.make(config.requirepass) }),
  ...(config.maxmemory === undefined ? {} : { maxmemory: config.maxmemory })
})

/** How far virtual time is moved between two looks for a reply. */
const pace = 125

const inProcessTalker = (node: EmbeddedNode): Talker => {
  const parser = new CommandParser()
  const replies: Array<Recorded> = []
  const client = node.connect(
    { onAnswer: (answer) => void replies.push(recorded(answer)), onEnd: () => {} },
    { address: "127.0.0.1:1" }
  )
  return {
    write: (bytes) =>
      Effect.sync(() => {
        parser.feed(bytes)
        for (let command = parser.next(); command !== undefined; command = parser.next()) {
          if (command instanceof Failure) throw new Error(command.text)
          client?.send(command)
        }
      }),
    next: Effect.fnUntraced(function* (ms) {
      for (let i = 0; i < 20 && replies.length === 0; i++) yield* Effect.yieldNow()
      for (let passed = 0; passed < ms && replies.length === 0; passed += pace) {
        yield* TestClock.adjust(Math.min(pace, ms - passed))
      }
      return replies.shift()
    }),
    close: Effect.sync(() => client?.close())
  }
}

describe("recorded exchanges, in the process under TestClock", () => {
  for (const scenario of scenarios) {
    it.scoped(scenario.name, () =>
      Effect.gen(function* () {
        const { nodes } = yield* EmbeddedDisque.make({ nodes: scenario.nodes, ...configOf(scenario) })
        const world: World = {
          connect: (number) => Effect.sync(() => inProcessTalker(nodes[number - 1] ?? nodes[0])),
          sleep: (ms) => TestClock.adjust(ms),
          now: TestClock.currentTimeMillis,
          ports: nodes.map((node) => Number(node.address.split(":")[1]))
        }
        yield* runScenario(world, scenario)
      })
    )
  }
})

const tcpTalker = (client: TcpClient): Talker => ({
  write: (bytes) => Effect.sync(() => client.write(bytes)),
  next: (ms) => Effect.promise(() => client.next(ms)),
  close: Effect.sync(() => client.close())
})

describe.concurrent("recorded exchanges, over TCP", () => {
  for (const scenario of scenarios) {
    it.scopedLive(
      scenario.name,
      () =>
        Effect.gen(function* () {
          const { ports } = yield* serveCluster(scenario.nodes, configOf(scenario))
          const world: World = {
            connect: (number) =>
              Effect.map(
                Effect.promise(() => TcpClient.connect(ports[number - 1] ?? 0)),
                tcpTalker
              ),
            sleep: Effect.sleep,
            now: Effect.sync(() => Date.now()),
            ports
          }
          yield* runScenario(world, scenario)
        }),
      20_000
    )
  }
})
