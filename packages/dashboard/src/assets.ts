/** The page of the dashboard, as it was built. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import { page } from "./http/answers.js"

/** The folder of the page: beside the folder of this module, wherever that was put. */
export const folder: URL = new URL("../app/", import.meta.url)

interface Asset {
  readonly bytes: Uint8Array
  /** Undefined if it would not be smaller. */
  readonly compressed: Uint8Array | undefined
  readonly type: string
  readonly tag: string
  readonly isImmutable: boolean
}

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  json: "application/json",
  map: "application/json",
  webmanifest: "application/manifest+json",
  txt: "text/plain; charset=utf-8",
  md: "text/plain; charset=utf-8",
  svg: "image/svg+xml",
  png: "image/png",
  ico: "image/x-icon",
  woff2: "font/woff2"
}

const compressible = /^(text|application)\/|svg/

// What is in the name of the file changes with it.
const immutable = /-[A-Za-z0-9_-]{8,}\.\w+$/

const compress = (bytes: Uint8Array): Effect.Effect<Uint8Array> =>
  Effect.promise(async () => {
    const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new CompressionStream("gzip"))
    return new Uint8Array(await new Response(stream).arrayBuffer())
  })

const digest = (bytes: Uint8Array): Effect.Effect<string> =>
  Effect.promise(async () => {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource))
    return `"${Array.from(hash.subarray(0, 12), (byte) => byte.toString(16).padStart(2, "0")).join("")}"`
  })

const read = (path: string, name: string) =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const bytes = yield* files.readFile(path)
    const type = types[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream"
    const small = compressible.test(type) ? yield* compress(bytes) : undefined
    const compressed = small !== undefined && small.length < bytes.length ? small : undefined
    const asset: Asset = { bytes, compressed, type, tag: yield* digest(bytes), isImmutable: immutable.test(name) }
    return asset
  })

const missing = page(
  503,
  "The page is not there",
  "The folder app of @disco/dashboard has no page: in the repository, node packages/dashboard/bundle.mjs makes it."
)

export class Assets {
  private readonly byName: ReadonlyMap<string, Asset>

  private constructor(byName: ReadonlyMap<string, Asset>) {
    this.byName = byName
  }

  /** Reads all files of the folder, which are few and small. There are none if it is not there. */
  static readonly load = Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const root = yield* path.fromFileUrl(folder)
    const names = yield* files.readDirectory(root, { recursive: true })
    const byName = new Map<string, Asset>()
    for (const name of names) {
      const full = path.join(root, name)
      const { type } = yield* files.stat(full)
      if (type === "File") byName.set(name.replaceAll("\\", "/"), yield* read(full, name))
    }
    return new Assets(byName)
  }).pipe(Effect.orElseSucceed(() => new Assets(new Map())))

  /** The answer to a request for a file; undefined if there is none. */
  answer(
    name: string,
    headers: Readonly<Record<string, string | undefined>>
  ): HttpServerResponse.HttpServerResponse | undefined {
    const asset = this.byName.get(name === "" ? "index.html" : name)
    if (asset === undefined) return name === "" ? missing : undefined
    const { bytes, compressed, isImmutable, tag, type } = asset
    const caching = {
      "cache-control": isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
      etag: tag,
      vary: "accept-encoding"
    }
    if (headers["if-none-match"] === tag) return HttpServerResponse.empty({ status: 304, headers: caching })
    const isCompressed = compressed !== undefined && /\bgzip\b/.test(headers["accept-encoding"] ?? "")
    return HttpServerResponse.uint8Array(isCompressed ? compressed : bytes, {
      contentType: type,
      headers: isCompressed ? { ...caching, "content-encoding": "gzip" } : caching
    })
  }
}
