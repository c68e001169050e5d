import { chmodSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { DisqueConnection } from "@disco/core"
import { NodeDisque } from "@disco/node"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Redacted } from "effect"
import { help } from "../../src/command/help.js"
import { subjectOf } from "../../src/command/signature.js"
import { command } from "../../src/commands/serve.js"
import { offered, table, variable } from "../../src/serve/options.js"
import * as settings from "../../src/serve/settings.js"
import { failure, folder, pem, start } from "../utils/serve.js"

/** Values that each option refuses, of those that refuse any. */
const bad: Record<string, ReadonlyArray<string>> = {
  port: ["", "abc", "-1", "65536", "1.5", "0x10"],
  bind: [""],
  "tls-port": ["", "abc", "65536"],
  "tls-cert": [""],
  "tls-key": [""],
  "tls-ca": [""],
  unixsocket: [""],
  unixsocketperm: ["", "rwx", "800", "1777"],
  "tcp-backlog": ["", "0", "-1", "many"],
  "tcp-keepalive": ["", "-1", "yes"],
  requirepass: ["", "x".repeat(513)],
  "requirepass-file": [""],
  dir: [""],
  appendonly: ["", "maybe"],
  appendfsync: ["", "sometimes"],
  "auto-aof-rewrite-percentage": ["", "-1", "all"],
  "auto-aof-rewrite-min-size": ["", "-1", "much"],
  "aof-load-truncated": ["", "maybe"],
  "aof-enqueue-jobs-once": ["", "maybe"],
  maxclients: ["", "0", "all", "4294967296"],
  timeout: ["", "-1", "1h", "2147483648"],
  maxmemory: ["", "much", "0", "-1", "1tb", "1.5gb"],
  "maxmemory-policy": ["", "lru"],
  "cluster-node-timeout": ["", "0", "1s"],
  "slowlog-log-slower-than": ["", "-1", "1ms"],
  "slowlog-max-len": ["", "-1"],
  "latency-monitor-threshold": ["", "-1"],
  "control-port": ["", "abc", "65536"],
  config: [""],
  loglevel: ["", "info", "quiet"],
  "log-format": ["", "xml"]
}

const conf = (...lines: ReadonlyArray<string>) =>
  Effect.map(folder, (path) => {
    const file = join(path, "disco.conf")
    writeFileSync(file, lines.join("\n"))
    return file
  })

/** What CONFIG GET shows on a node that was started so. */
const shown = (
  args: ReadonlyArray<string>,
  env: ReadonlyArray<readonly [string, string]>,
  names: ReadonlyArray<string>
) =>
  Effect.gen(function* () {
    const { places } = yield* start(args, env)
    const connection = NodeDisque.layerConnection({ nodes: places, password: Redacted.make("sesame") })
    return yield* Effect.flatMap(DisqueConnection, ({ config }) =>
      Effect.forEach(names, (name) => Effect.map(config.get(name), (found) => found.get(name)))
    ).pipe(Effect.provide(connection))
  })

/** What is said of options, without the command line around them. */
const refusal = (given: settings.CommandLine, env: ReadonlyArray<readonly [string, string]> = []) =>
  Effect.flip(settings.read(given)).pipe(
    Effect.map((error) => String("message" in error ? error.message : error)),
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(env))),
    Effect.provide(NodeFileSystem.layer)
  )

describe("the options of disco serve", () => {
  it.effect("refuse what does not fit alike on the command line, in the environment and in a file", () =>
    Effect.gen(function* () {
      for (const [name, option] of offered) {
        if (option.kind === "flag") continue
        assert.isDefined(bad[name], `bad values for ${name}`)
        for (const value of bad[name] ?? []) {
          const said = yield* refusal({ [name]: [value] })
          assert.match(said, new RegExp(`^serve: --${name} is (".*"|<redacted>), expected .`), `--${name} ${value}`)
          const expected = said.slice(said.indexOf(" is "))
          if (value !== "" || option.kind !== "many") {
            assert.strictEqual(yield* refusal({}, [[variable(name), value]]), `serve: ${variable(name)}${expected}`)
          }
          if (name === "config") continue
          const file = yield* conf("# a comment", "", `  ${name}\t"${value}"`)
          assert.strictEqual(yield* refusal({ config: [file] }), `${file}:3: ${name}${expected}`)
        }
      }
      assert.match(
        yield* failure(["serve", "--port", "abc"]),
        /^serve: --port is "abc", expected a port from 1 to 65535/
      )
    }).pipe(Effect.scoped)
  )

  it.effect("never show a password that they refuse", () =>
    Effect.gen(function* () {
      const secret = "sesame".repeat(100)
      assert.notInclude(yield* failure(["serve", "--requirepass", secret]), "sesame")
      assert.notInclude(yield* failure(["serve"], [["DISCO_REQUIREPASS", secret]]), "sesame")
      const file = yield* conf(`requirepass ${secret}`)
      assert.notInclude(yield* refusal({ config: [file] }), "sesame")
    }).pipe(Effect.scoped)
  )

  it.effect("of a file are refused with their line if they are unknown, incomplete or not supported", () =>
    Effect.gen(function* () {
      for (const [line, said] of [
        ["maxmemmory 1gb", '"maxmemmory" is no option of disco serve'],
        ["rename-command DEBUG x", '"rename-command" is no option of disco serve'],
        ["config other.conf", '"config" is no option of disco serve'],
        ["port", "port takes one value or more, and this line has 0"],
        ["maxmemory 1gb 2gb", "maxmemory takes one value, and this line has 2"],
        ["client-output-buffer-limit normal", "client-output-buffer-limit takes 4 values, and this line has 1"],
        ['requirepass "open', "a quote does not end, or something follows it"],
        ["include", "include takes one file"],
        ["daemonize yes", 'daemonize is "yes", expected no'],
        ["logfile /var/log/disque.log", 'logfile is "/var/log/disque.log", expected an empty text'],
        ["insecure perhaps", 'insecure is "perhaps", expected one of yes, no']
      ] as const) {
        const file = yield* conf("hz 10", line)
        assert.strictEqual(yield* refusal({ config: [file] }), `${file}:2: ${said}`)
      }
      assert.strictEqual(
        yield* refusal({ config: ["/nowhere/disco.conf"] }),
        'config: "/nowhere/disco.conf" cannot be read: there is no such file'
      )
      const lost = yield* conf("", "include /nowhere/disco.conf")
      assert.strictEqual(
        yield* refusal({ config: [lost] }),
        `${lost}:2: "/nowhere/disco.conf" cannot be read: there is no such file`
      )
      const inner = yield* conf("port 0", "port nine")
      const outer = yield* conf(`include ${inner}`)
      assert.match(yield* refusal({ config: [outer] }), new RegExp(`^${inner}:2: port is "nine", expected `))
      const endless = yield* conf()
      writeFileSync(endless, `include ${endless}`)
      assert.strictEqual(yield* refusal({ config: [endless] }), `${endless}:1: files include each other without end`)
    }).pipe(Effect.scoped)
  )

  it.scopedLive("are taken from the command line, else from the environment, else from a file", () =>
    Effect.gen(function* () {
      const file = yield* conf(
        "port 0",
        "maxclients 1",
        "maxclients 10",
        "slowlog-max-len 10",
        "latency-monitor-threshold 10",
        'requirepass "ses\\x61me"'
      )
      const names = ["maxclients", "slowlog-max-len", "latency-monitor-threshold", "requirepass", "bind"]
      const env = [
        ["DISCO_CONFIG", file],
        ["DISCO_MAXCLIENTS", "20"],
        ["DISCO_SLOWLOG_MAX_LEN", "20"]
      ] as const
      assert.deepStrictEqual(yield* shown(["--maxclients", "30"], env, names), [
        "30",
        "20",
        "10",
        "sesame",
        "127.0.0.1"
      ])
    })
  )

  it.scopedLive("of Disque's own file are taken as they are, and CONFIG GET shows them", () =>
    Effect.gen(function* () {
      const own = fileURLToPath(new URL("../data/disque.conf", import.meta.url))
      const file = yield* conf(readFileSync(own, "utf8"), "cluster-node-timeout 500", "auto-aof-rewrite-min-size 1mb")
      const names = [
        "hz",
        "tcp-backlog",
        "pidfile",
        "client-output-buffer-limit",
        "cluster-node-timeout",
        "auto-aof-rewrite-min-size"
      ]
      const dir = yield* folder
      assert.deepStrictEqual(yield* shown(["--port", "0", "--config", file, "--dir", dir], [], names), [
        "10",
        "511",
        "/var/run/disque.pid",
        "normal 0 0 0",
        "500",
        "1048576"
      ])
    })
  )

  it.effect("refuse a password given twice, and a file that holds none", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const at = (name: string, content: string) => {
        writeFileSync(join(path, name), content)
        return join(path, name)
      }
      const good = at("good", "sesame\n")
      const empty = at("empty", "\n")
      const two = at("two", "a\nb\n")
      const refused = (...args: ReadonlyArray<string>) => failure(["serve", "--port", "0", ...args])
      assert.strictEqual(
        yield* refused("--requirepass", "a", "--requirepass-file", good),
        "the password is given twice: by requirepass and by requirepass-file"
      )
      assert.strictEqual(
        yield* refused("--requirepass-file", empty),
        `requirepass-file: "${empty}" is empty, expected a password`
      )
      assert.strictEqual(
        yield* refused("--requirepass-file", two),
        `requirepass-file: "${two}" has several lines, expected one`
      )
      assert.strictEqual(
        yield* refused("--requirepass-file", join(path, "none")),
        `requirepass-file: "${join(path, "none")}" cannot be read: there is no such file`
      )
      assert.strictEqual(
        yield* refused("--requirepass-file", path),
        `requirepass-file: "${path}" cannot be read: it is a folder`
      )
      if (process.getuid?.() !== 0) {
        chmodSync(good, 0)
        assert.strictEqual(
          yield* refused("--requirepass-file", good),
          `requirepass-file: "${good}" cannot be read: permission denied`
        )
      }
    }).pipe(Effect.scoped)
  )

  it.effect("refuse what contradicts itself", () =>
    Effect.gen(function* () {
      const tls = ["--tls-cert", pem("server.pem"), "--tls-key", pem("server.key.pem")]
      for (const [args, said] of [
        [["--tls-port", "0"], "TLS needs the options tls-cert and tls-key: a certificate and its private key"],
        [["--tls-ca", pem("ca.pem")], "TLS needs the options tls-cert and tls-key: a certificate and its private key"],
        [tls.slice(0, 2), "tls-cert needs tls-key too"],
        [tls.slice(2), "tls-key needs tls-cert too"],
        [[...tls, "--unixsocket", "/tmp/none.sock"], "nothing would use tls-cert: give a port, or a tls-port"],
        [[...tls, "--tls-ca", pem("server.key.pem")], `tls-ca: "${pem("server.key.pem")}" holds no certificate (PEM)`],
        [["--unixsocketperm", "770"], "unixsocketperm needs unixsocket too"],
        [
          [...tls, "--port", "0", "--port", "0", "--tls-port", "0"],
          "the nodes of a cluster listen either with TLS or without: leave out port or tls-port"
        ],
        [["--maxmemory", "1gb", "--maxmemory", "2gb"], "serve: --maxmemory is given twice, expected one value"],
        [
          ["--port", "0", "--port", "0", "--bind", "0.0.0.0", "--insecure"],
          "several nodes need an address to tell each other and clients: give one by --bind in place of 0.0.0.0"
        ],
        [["--unixsocket", `/${"x".repeat(200)}`], "unixsocket takes a path of at most 107 bytes; this one has 201"]
      ] as const) {
        assert.strictEqual(yield* failure(["serve", ...args]), said)
      }
      const mixed = yield* failure(["serve", "--tls-cert", pem("server.pem"), "--tls-key", pem("client.key.pem")])
      assert.match(mixed, /^tls-cert and tls-key cannot be used: .*mismatch/)
    }).pipe(Effect.scoped)
  )

  it("are all in the help, each in sentences, and all have a name that a variable can have", () => {
    const text = help(subjectOf(command, "serve"), { columns: 80, hasColor: false })
    for (const [name, option] of offered) {
      const alias = option.alias === undefined ? "" : `, --${option.alias}`
      assert.include(text, `\n  --${name}${alias}${option.kind === "flag" ? "" : ` ${option.value}`}`)
      assert.match(option.sentence, /^[A-Z].*\.$/)
      assert.match(variable(name), /^DISCO_[A-Z_]+$/)
    }
    assert.strictEqual(new Set(offered.map(([name]) => variable(name))).size, offered.length)
    assert.isAbove(table.size, offered.length)
  })
})
