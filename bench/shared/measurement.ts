import type { Effort } from "./contest.js"
import type { Chapter } from "./results.js"
import type { Section } from "./section.js"
import type { Target } from "./target.js"

/** One of the things that `pnpm bench` measures. */
export interface Measurement {
  readonly name: string
  /** What it measures, in a sentence. */
  readonly title: string
  /** How many nodes it is measured on. */
  readonly nodes: 1 | 3
  /** Whether any of the goals is about it. */
  readonly hasGoals: boolean
  /** The chapter of its section, if that is not the one of the nodes. */
  readonly chapter?: Chapter
  /** What it needs that is not there, in a sentence, if it needs more than nodes. */
  readonly needs?: () => string | undefined
  readonly measure: (target: Target, effort: Effort) => Promise<Section>
}

/** The size of the larger bodies, which some goals are about too. */
export const large = 4096

/** A queue that no other run uses. */
export const queueOf = (name: string): string => `bench-${process.pid}-${name}`

export const sizeName = (bytes: number): string => (bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KB`)
