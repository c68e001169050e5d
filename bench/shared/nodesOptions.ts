/** What a process of embedded nodes is started with, and what it tells then. */

/** What the process is started with. */
export interface NodesOptions {
  readonly nodes: number
  /** Where a single node keeps its jobs, and when it syncs. */
  readonly disk?: Disk | undefined
}

export interface Disk {
  readonly dir: string
  readonly appendfsync: "always" | "everysec" | "no"
}

/** How the jobs were loaded. */
export interface Load {
  readonly millis: number
  /** The longest time for which nothing else was done, in milliseconds. */
  readonly delay: number
  /** The most memory that was in use meanwhile, beyond what the jobs have taken in the end, in bytes. */
  readonly memory: number
}

export interface Started {
  readonly ports: ReadonlyArray<number>
  readonly load: Load
}

/** Parameters of a node whose file is written anew when somebody asks for it, and not by itself. */
export const withoutRewrites = { "auto-aof-rewrite-percentage": "0" }
