/** Writes the append-only file anew: beside the old one while records are appended to it, or in place of it. */
import type { PlatformError } from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { Node } from "../node/node.js"
import { AofFile } from "./aofFile.js"
import { copyBytes, writeJobs } from "./rewriting.js"
import { describe } from "./systemErrors.js"

/** How often what has been recorded meanwhile is copied before the files are swapped, at most. */
const mostRounds = 20

/** How much of the old file may be left to be copied when the files are swapped, in bytes. */
const leastCopy = 64 * 1024

const ignore = (): void => {}

export interface Needs {
  readonly fs: FileSystem.FileSystem
  readonly node: Node
  readonly folder: string
  readonly path: string
  /** The file that records are appended to. */
  readonly file: () => AofFile | undefined
  /** Whether the file cannot be written. */
  readonly isFailing: () => boolean
  /** Writes what waits to be written. */
  readonly flush: Effect.Effect<void, PlatformError>
  /** Does something while no record is written. */
  readonly alone: <A>(work: Effect.Effect<A, PlatformError>) => Effect.Effect<A, PlatformError>
  /** Goes on with another file, which has all records that the old one had. */
  readonly adopt: (file: AofFile) => void
  readonly fork: (effect: Effect.Effect<void>) => void
}

export class Rewriter {
  private readonly needs: Needs
  isRunning = false
  /** Whether the last rewrite failed. */
  hasFailed = false
  /** How long the last rewrite took, in s; -1 for none. */
  lastTime = -1
  /** When the present rewrite began, in s; -1 for none. */
  began = -1

  constructor(needs: Needs) {
    this.needs = needs
  }

  /** Begins a rewrite beside the old file; false if there is one already. */
  begin(): boolean {
    if (this.isRunning) return false
    this.isRunning = true
    this.needs.fork(this.run)
    return true
  }

  private readonly run: Effect.Effect<void> = Effect.suspend(() => {
    const { node, path } = this.needs
    this.began = node.seconds
    return this.rewriteBeside.pipe(
      Effect.matchEffect({
        onFailure: (error) =>
          Effect.suspend(() => {
            this.hasFailed = true
            return Effect.logWarning(`${path} cannot be written anew: ${describe(error)}`)
          }),
        onSuccess: () =>
          Effect.sync(() => {
            this.hasFailed = false
          })
      }),
      Effect.ensuring(
        Effect.sync(() => {
          node.tick()
          this.lastTime = node.seconds - this.began
          this.began = -1
          this.isRunning = false
        })
      )
    )
  })

  private readonly rewriteBeside: Effect.Effect<void, PlatformError> = Effect.suspend(() => {
    const { adopt, alone, file: present, flush, fs, isFailing } = this.needs
    const old = present()
    // Without a file to append to, this is a copy of the jobs as they are now.
    if (old === undefined) return Effect.flatMap(this.writeAnew(ignore), (file) => file.close)
    return Effect.gen(this, function* () {
      // What is recorded from now on follows in the old file.
      const { jobs, start } = yield* alone(Effect.map(flush, () => ({ jobs: this.jobs, start: old.size })))
      const file = yield* this.openTemporary("temp-rewriteaof-bg.aof")
      const filled = Effect.gen(function* () {
        yield* writeJobs(jobs, file)
        let copied = start
        for (let round = 0; round < mostRounds && old.size - copied > leastCopy; round++) {
          const end = old.size
          yield* copyBytes(fs, old.path, { start: copied, end }, file)
          copied = end
          yield* file.sync
        }
        return copied
      })
      const swap = (copied: number) =>
        Effect.suspend(() => {
          // A file that failed, or was replaced, is written anew by those who mend it.
          if (present() !== old || isFailing()) return this.discard(file)
          const rest = copyBytes(fs, old.path, { start: copied, end: old.size }, file)
          return Effect.zipRight(Effect.zipRight(rest, file.sync), this.moveIn(file, adopt))
        })
      const swapped = Effect.flatMap(filled, (copied) => alone(swap(copied)))
      yield* Effect.onError(swapped, () => (present() === file ? Effect.void : this.discard(file)))
      yield* old.close
    })
  })

  /** Writes a file with the jobs that there are now, and gives it the place of the old one. `onMoved` is called once it has that. */
  writeAnew(onMoved: (file: AofFile) => void): Effect.Effect<AofFile, PlatformError> {
    return Effect.gen(this, function* () {
      const file = yield* this.openTemporary("temp-rewriteaof.aof")
      const written = Effect.zipRight(
        Effect.suspend(() => writeJobs(this.jobs, file)),
        this.moveIn(file, onMoved)
      )
      yield* Effect.onError(written, () => (file.path === this.needs.path ? Effect.void : this.discard(file)))
      return file
    })
  }

  private get jobs() {
    const { node } = this.needs
    return { jobs: node.jobs, base: node.world.base, lastSerial: node.serial }
  }

  private openTemporary(name: string): Effect.Effect<AofFile, PlatformError> {
    const { folder, fs } = this.needs
    return AofFile.open(fs, `${folder}/${name}`, "w", false)
  }

  /** Gives a file the place of the old one. What follows from that is done with it, whatever is interrupted. */
  private moveIn(file: AofFile, onMoved: (file: AofFile) => void): Effect.Effect<void, PlatformError> {
    const { fs, path } = this.needs
    return Effect.uninterruptible(
      Effect.map(fs.rename(file.path, path), () => {
        file.path = path
        onMoved(file)
      })
    )
  }

  /** Closes a file that is not needed, and removes it unless it has the place of the old one. */
  private discard(file: AofFile): Effect.Effect<void> {
    const { fs, path } = this.needs
    return Effect.zipRight(file.close, file.path === path ? Effect.void : Effect.ignore(fs.remove(file.path)))
  }
}
