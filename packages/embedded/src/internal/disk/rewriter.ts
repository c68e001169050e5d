/** Writes the append-only file anew: beside the old one while records are appended to it, or in place of it. */
import type { PlatformError } from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { Node } from "../node/node.js"
import { AofFile } from "./aofFile.js"
import { timed } from "./latencies.js"
import { copyBytes, writeJobs } from "./rewriting.js"
import { describe } from "./systemErrors.js"

/** How often what has been recorded meanwhile is copied before the files are swapped, at most. */
const mostRounds = 20

/** How much of the old file may be left to be copied when the files are swapped, in bytes. */
const leastCopy = 64 * 1024

/** How long after a rewrite that failed the next one begins by itself, in s: it may be the one that fills the disk. */
const againAfter = 60

const beside = "temp-rewriteaof-bg.aof"
const inPlace = "temp-rewriteaof.aof"

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

/** What becomes of a file that is being written. */
interface Plan {
  /** Whether the file is no longer wanted, because what it is about has changed. */
  readonly isOver: () => boolean
  /** Called once the file has the place of the old one. */
  readonly onMoved: (file: AofFile) => void
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
  /** When the last rewrite ended, in s. */
  private endedAt = 0
  /** Counts how often rewrites were given up. */
  private givenUp = 0
  /** How many bytes of the old file are in the new one that is being written; undefined before the first. */
  private copied: number | undefined

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

  /** Whether a rewrite may begin that nobody asked for. */
  get isReady(): boolean {
    return !this.isRunning && !(this.hasFailed && this.needs.node.seconds - this.endedAt < againAfter)
  }

  /** How many bytes of records wait to be copied into the new file. */
  get uncopied(): number {
    return this.copied === undefined ? 0 : Math.max(0, (this.needs.file()?.size ?? 0) - this.copied)
  }

  /** What a rewrite beside the file has read is no longer what the file holds: it ends without a trace. */
  giveUp(hasFailed = false): void {
    this.givenUp++
    if (hasFailed && this.isRunning) this.hasFailed = true
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
        onSuccess: (isDone) =>
          Effect.sync(() => {
            if (isDone) this.hasFailed = false
          })
      }),
      Effect.ensuring(
        Effect.sync(() => {
          node.tick()
          this.endedAt = node.seconds
          this.lastTime = node.seconds - this.began
          this.began = -1
          this.copied = undefined
          this.isRunning = false
        })
      )
    )
  })

  /** False if the rewrite was given up. */
  private readonly rewriteBeside: Effect.Effect<boolean, PlatformError> = Effect.suspend(() => {
    const { alone, file: present, flush, isFailing } = this.needs
    const { givenUp } = this
    const isOver = () => this.givenUp !== givenUp
    const old = present()
    let isMoved = false
    const plan: Plan = {
      isOver,
      onMoved: (file) => {
        isMoved = true
        if (old !== undefined) this.needs.adopt(file)
      }
    }
    // Without a file to append to, this is a copy of the jobs as they are now.
    if (old === undefined) {
      return Effect.map(
        this.write(beside, (file) => Effect.zipRight(this.fill(file, plan), alone(this.moveIn(file, plan)))),
        () => isMoved
      )
    }
    const rewrite = Effect.gen(this, function* () {
      // What is recorded from now on follows in the old file.
      const { jobs, start } = yield* alone(Effect.map(flush, () => ({ jobs: this.jobs, start: old.size })))
      if (isFailing()) this.giveUp(true)
      yield* this.write(beside, (file) =>
        Effect.gen(this, function* () {
          this.copied = start
          yield* writeJobs(jobs, file, isOver)
          for (let round = 0; round < mostRounds && this.uncopied > leastCopy && !isOver(); round++) {
            yield* this.catchUp(old, file)
            yield* file.sync
          }
          yield* alone(Effect.suspend(() => (isOver() ? Effect.void : this.swap(old, file, plan))))
        })
      )
      return isMoved
    })
    return Effect.ensuring(
      rewrite,
      Effect.suspend(() => (isMoved ? old.close : Effect.void))
    )
  })

  /** Copies what has been recorded meanwhile. */
  private catchUp(old: AofFile, file: AofFile): Effect.Effect<void, PlatformError> {
    return Effect.suspend(() => {
      const end = old.size
      return Effect.map(copyBytes(this.needs.fs, old.path, { start: this.copied ?? end, end }, file), () => {
        this.copied = end
      })
    })
  }

  private swap(old: AofFile, file: AofFile, plan: Plan): Effect.Effect<void, PlatformError> {
    const { node } = this.needs
    return old.checkPlace.pipe(
      Effect.zipRight(timed(node, () => ["aof-rewrite-diff-write"], this.catchUp(old, file))),
      Effect.zipRight(file.sync),
      Effect.zipRight(timed(node, () => ["aof-rename"], this.moveIn(file, plan)))
    )
  }

  /** Writes a file with the jobs that there are now, and gives it the place of the old one, unless it is not wanted any more. */
  writeAnew(plan: Plan): Effect.Effect<void, PlatformError> {
    return this.write(inPlace, (file) => Effect.zipRight(this.fill(file, plan), this.moveIn(file, plan)))
  }

  private get jobs() {
    const { node } = this.needs
    return { jobs: node.jobs, base: node.world.base, lastSerial: node.serial }
  }

  private fill(file: AofFile, { isOver }: Plan): Effect.Effect<void, PlatformError> {
    return Effect.suspend(() => writeJobs(this.jobs, file, isOver))
  }

  /** Opens a file, and writes it. Unless it has got the place of the old one, or was wanted there, it is closed and removed. */
  private write(
    name: string,
    content: (file: AofFile) => Effect.Effect<void, PlatformError>
  ): Effect.Effect<void, PlatformError> {
    const { folder, fs, path } = this.needs
    return Effect.acquireUseRelease(AofFile.open(fs, `${folder}/${name}`, "w", false), content, (file) =>
      file.path === path
        ? file === this.needs.file()
          ? Effect.void
          : file.close
        : Effect.zipRight(file.close, Effect.ignore(fs.remove(file.path)))
    )
  }

  /** Gives a file the place of the old one. What follows from that is done with it, whatever is interrupted. */
  private moveIn(file: AofFile, { isOver, onMoved }: Plan): Effect.Effect<void, PlatformError> {
    const { fs, path } = this.needs
    return Effect.uninterruptible(
      Effect.suspend(() =>
        isOver()
          ? Effect.void
          : Effect.map(fs.rename(file.path, path), () => {
              file.path = path
              if (!isOver()) onMoved(file)
            })
      )
    )
  }
}
