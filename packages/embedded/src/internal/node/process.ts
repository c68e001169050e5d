/**
 * What a process tells of itself, for INFO.
 *
 * @since 0.1.0
 * @category options
 */
export interface ProcessFigures {
  /** The id of the process. */
  readonly id: number
  /** The operating system, its release and the machine: `Linux 6.1.0 x86_64`. */
  readonly os: string
  /** The path of the program. */
  readonly executable: string
  /** How much memory the process has in use, in bytes. */
  readonly residentMemory: () => number
  /** How much time of processors the process has taken, in seconds. */
  readonly cpuSeconds: () => { readonly system: number; readonly user: number }
}
