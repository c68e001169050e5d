import { readFile } from "node:fs/promises"
import { unpack } from "@publint/pack"

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** A package as it would be published. */
export interface Tarball {
  readonly path: string
  readonly manifest: Manifest
  /** The files by name, without a leading `package/`. */
  readonly files: ReadonlyMap<string, Uint8Array>
}

export const readTarball = async (path: string): Promise<Tarball> => {
  const { files: list, rootDir } = await unpack(await readFile(path))
  const files = new Map(list.map(({ data, name }) => [name.slice(rootDir.length + 1), data]))
  return { path, files, manifest: JSON.parse(new TextDecoder().decode(files.get("package.json"))) }
}
