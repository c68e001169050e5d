/** The append-only file of a node: what is recorded is written, synced as the setting says, and only then answered. */
import type { PlatformError } from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Client } from "../node/client.js"
import type { Job } from "../node/job.js"
import { release } from "../node/journal.js"
import type { Node } from "../node/node.js"
import { refuseUnkept } from "../node/refusal.js"
import { Failure } from "../wire/answers.js"
import { AofFile } from "./aofFile.js"
import { BackgroundSync } from "./backgroundSync.js"
import { timed } from "./latencies.js"
import { RecordBuffer } from "./records.js"
import { Rewriter } from "./rewriter.js"
import { syncFolder } from "./rewriting.js"
import { describe } from "./systemErrors.js"
import { Turns } from "./turns.js"

/** With so many bytes of records waiting to be written, clients wait with further commands. */
const mostWaiting = 16 * 1024 * 1024

/** How long after a failure the next attempt is made, and how often written records are synced with `everysec`, in ms. */
const attemptEvery = 1000
const syncEvery = 1000

export interface Needs {
  readonly fs: FileSystem.FileSystem
  readonly node: Node
  /** The folder of the node, and the file in it. */
  readonly folder: string
  readonly path: string
  /** Does work in a turn of the node. */
  readonly turn: (work: () => void) => void
  /** Lets clients go on that had to wait. */
  readonly onRoom: () => void
  /** Runs an effect that ends with the node. */
  readonly fork: (effect: Effect.Effect<void>) => void
}

/**
 * Does something for ever. Interrupted, what is under way ends behind the back of the fiber: a disk that does not answer must not hold
 * up the end of the program.
 */
const behindTheBack = (work: Effect.Effect<void>): Effect.Effect<never> => Effect.disconnect(Effect.forever(work))

/** What is done with the file: nothing, records are appended, or the file is written anew first. */
type State = "off" | "on" | "wait-rewrite"

export class AppendOnlyFile {
  private readonly needs: Needs
  private readonly buffer = new RecordBuffer()
  private readonly dirty = Effect.unsafeMakeLatch()
  private readonly unsynced = Effect.unsafeMakeLatch()
  /** One change of the file at a time. */
  private readonly turns = new Turns()
  private file: AofFile | undefined
  private wasFull = false
  /** Whether the name of the file may be lost at the end of the system. */
  private isFolderUnsynced = false
  /** Whether nobody has looked since the last write whether the file is in its place. */
  private isUnchecked = false
  private warned = ""
  /** Counts how often the file was dropped: what began before that has nothing to do with what came after. */
  private drops = 0
  state: State = "off"
  /** Whether what happens to jobs is not recorded, because it comes from the file. */
  isMuted = false
  /** How many bytes of records there have been, and how many of them are kept. */
  end = 0
  kept = 0
  refusal: Failure | undefined
  readonly waiting = new Set<Client>()
  /** The size of the file after the last rewrite, or when it was read, in bytes. */
  baseSize = 0
  readonly rewriter: Rewriter
  readonly backgroundSync: BackgroundSync

  constructor(needs: Needs) {
    this.needs = needs
    this.backgroundSync = new BackgroundSync(needs.node)
    this.rewriter = new Rewriter({
      ...needs,
      file: () => this.file,
      isFailing: () => this.refusal !== undefined,
      flush: this.flush,
      alone: (work) => this.alone(Effect.uninterruptible(work)),
      adopt: (file) => this.adopt(file)
    })
  }

  /** The size of the file, in bytes. */
  get size(): number {
    return this.file?.size ?? 0
  }

  /** How many bytes wait to be written. */
  get unwritten(): number {
    return this.buffer.length
  }

  /** Does something while nothing else is done with the file. */
  alone<A, E>(work: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return this.turns.alone(work)
  }

  isFull(): boolean {
    // While records cannot be written, commands that make some are refused, and others need not wait.
    if (this.end - this.kept < mostWaiting || this.state !== "on" || this.refusal !== undefined) return false
    this.wasFull = true
    return true
  }

  private get policy(): string {
    return this.needs.node.config.get("appendfsync")
  }

  added(job: Job): void {
    if (this.state === "off" || this.isMuted) return
    const before = this.buffer.length
    this.buffer.loadJob(job, this.needs.node.world.base)
    this.noteRecords(before)
  }

  gone(id: string): void {
    if (this.state === "off" || this.isMuted) return
    const before = this.buffer.length
    this.buffer.delJob(id)
    this.noteRecords(before)
  }

  private noteRecords(before: number): void {
    this.end += this.buffer.length - before
    if (before === 0) this.dirty.unsafeOpen()
  }

  /** Appends to the file, as it is found. */
  readonly open: Effect.Effect<void, PlatformError> = Effect.suspend(() => {
    const { fs, path } = this.needs
    const { drops } = this
    return Effect.flatMap(AofFile.open(fs, path, "r+", this.policy !== "no"), (file) => {
      if (this.drops !== drops) return file.close
      this.file = file
      // The file may have been made just now.
      this.isFolderUnsynced = true
      this.state = "on"
      this.baseSize = file.size
      return Effect.void
    })
  }).pipe(Effect.uninterruptible)

  /** Begins to record: the file is written anew, as it may be about other jobs. */
  readonly turnOn: Effect.Effect<void, PlatformError> = Effect.suspend(() => {
    this.state = "wait-rewrite"
    this.rewriter.giveUp()
    return Effect.tapError(this.alone(this.replaceFile), () => this.letGo)
  })

  /** Stops to record, with all records written and synced if the disk takes them. */
  readonly turnOff: Effect.Effect<void> = Effect.suspend(() =>
    this.flushAll.pipe(
      Effect.catchAll((error) => Effect.logWarning(`${this.needs.path} is not written to its end: ${describe(error)}`)),
      Effect.zipRight(this.letGo)
    )
  )

  /** Goes on without a file: what waits for records does so in vain. */
  private readonly letGo: Effect.Effect<void> = Effect.suspend(() => {
    release(this, this.end)
    const close = this.drop()
    this.makeRoom()
    return close
  })

  /** Forgets the file and what waits for it at once, as the end of the process does. Gives the effect that closes the file. */
  drop(): Effect.Effect<void> {
    const { file } = this
    this.drops++
    this.rewriter.giveUp()
    this.file = undefined
    this.state = "off"
    this.buffer.clear()
    this.refusal = undefined
    this.isMuted = false
    this.kept = this.end
    this.waiting.clear()
    return file?.close ?? Effect.void
  }

  /** Writes and syncs as records come, for ever. */
  readonly run: Effect.Effect<void> = Effect.suspend(() =>
    Effect.all([behindTheBack(this.writeNext), behindTheBack(this.syncNext)], { concurrency: 2, discard: true })
  )

  private readonly writeNext: Effect.Effect<void> = Effect.suspend(() => {
    if (this.refusal !== undefined) return Effect.zipRight(Effect.sleep(attemptEvery), this.guarded(this.again))
    return Effect.zipRight(
      this.dirty.await,
      Effect.suspend(() => {
        this.dirty.unsafeClose()
        return this.guarded(this.flush)
      })
    )
  })

  /** Does something about the file. */
  private guarded(change: Effect.Effect<void, PlatformError>): Effect.Effect<void> {
    return Effect.ignore(this.alone(Effect.uninterruptible(change)))
  }

  /** A failure of something about the file is for the clients. */
  private told(change: Effect.Effect<void, PlatformError>): Effect.Effect<void, PlatformError> {
    return Effect.suspend(() => {
      const { drops } = this
      return Effect.tapError(change, (error) => (this.drops === drops ? this.fail(error) : Effect.void))
    })
  }

  private readonly flush: Effect.Effect<void, PlatformError> = this.told(
    Effect.suspend(() => {
      const { end, file } = this
      if (file === undefined || this.refusal !== undefined) return Effect.void
      if (this.buffer.length === 0) return this.policy === "always" ? this.syncName : Effect.void
      file.keepsUnsynced = this.policy !== "no"
      this.backgroundSync.noteWrite()
      const records = this.buffer.take()
      const written = timed(this.needs.node, this.writeEvents, file.write(records))
      const safe = this.policy === "always" ? Effect.zipRight(written, this.makeSafe(file, records.length)) : written
      return Effect.map(safe, () => {
        this.keep(file, end)
        if (file.isDirty || this.isFolderUnsynced || this.isUnchecked) this.unsynced.unsafeOpen()
        this.wantRewriteIfLarge()
      })
    })
  )

  /** What a write is, for LATENCY. */
  private readonly writeEvents = (): ReadonlyArray<string> => {
    const how = this.backgroundSync.isRunning ? "pending-fsync" : this.rewriter.isRunning ? "active-child" : "alone"
    return [`aof-write-${how}`, "aof-write"]
  }

  /** Syncs what is written, and looks meanwhile whether it is where the path leads to. */
  private makeSafe(file: AofFile, bytes: number): Effect.Effect<void, PlatformError> {
    return Effect.suspend(() => {
      const synced = Effect.zipRight(this.syncFirst(file), this.syncName)
      this.isUnchecked = !file.isCheckDue(bytes, this.needs.node.world.micros())
      if (this.isUnchecked) return synced
      // One fiber beside this one: all of them side by side would take several times as long to start as to run.
      return Effect.flatMap(Effect.fork(file.checkPlace), (checking) => Effect.zipRight(synced, Fiber.join(checking)))
    })
  }

  private syncFirst(file: AofFile): Effect.Effect<void, PlatformError> {
    return timed(this.needs.node, () => ["aof-fsync-always"], file.sync)
  }

  /** The records up to `position` are as safe as the setting says. */
  private keep(file: AofFile, position: number): void {
    if (this.file !== file) return
    this.kept = position
    if (this.waiting.size > 0) release(this, position)
    this.makeRoom()
  }

  private makeRoom(): void {
    if (!this.wasFull || this.isFull()) return
    this.wasFull = false
    this.needs.onRoom()
  }

  private fail(error: PlatformError): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.state === "off") return Effect.void
      const text = describe(error)
      const refusal = new Failure(`MISCONF Errors writing to the AOF file: ${text}`)
      this.refusal = refusal
      this.rewriter.giveUp(true)
      this.needs.turn(() => refuseUnkept(this.needs.node, this, this.kept, refusal))
      this.makeRoom()
      // To try again, even if there is nothing to write.
      this.dirty.unsafeOpen()
      if (this.warned === text) return Effect.void
      this.warned = text
      return Effect.logWarning(`${this.needs.path} cannot be written, changes are refused: ${text}`)
    })
  }

  /** Tries again after a failure. */
  private readonly again: Effect.Effect<void, PlatformError> = this.told(
    Effect.gen(this, function* () {
      const { file } = this
      if (file === undefined) return
      if (!(yield* Effect.isSuccess(file.checkPlace))) yield* this.replaceFile
      const { end, file: present } = this
      if (present === undefined) return
      yield* present.write(this.buffer.take())
      if (this.policy !== "no") yield* present.sync
      yield* this.syncName
      if (this.file !== present) return
      this.refusal = undefined
      this.warned = ""
      this.keep(present, end)
      yield* Effect.logInfo(`${this.needs.path} is written again`)
    })
  )

  /**
   * Writes the file anew and goes on with it, while no change is answered. What waits to be written follows in the new file: jobs
   * that are there already are not loaded twice.
   */
  private readonly replaceFile: Effect.Effect<void, PlatformError> = Effect.suspend(() => {
    const { drops, file: old } = this
    const onMoved = (file: AofFile): void => {
      this.rewriter.giveUp()
      this.adopt(file)
    }
    return this.rewriter
      .writeAnew({ isOver: () => this.drops !== drops, onMoved })
      .pipe(
        Effect.ensuring(Effect.suspend(() => (this.file === old ? Effect.void : (old?.close ?? Effect.void)))),
        Effect.zipRight(this.syncName)
      )
  })

  /** Goes on with another file, which has all records that the old one had. */
  private adopt(file: AofFile): void {
    this.file = file
    this.state = "on"
    this.baseSize = file.size
    this.isFolderUnsynced = true
    this.unsynced.unsafeOpen()
    this.dirty.unsafeOpen()
  }

  /** Makes the name of a new file safe from the end of the system. */
  private readonly syncName: Effect.Effect<void, PlatformError> = Effect.suspend(() => {
    if (!this.isFolderUnsynced) return Effect.void
    return Effect.map(syncFolder(this.needs.fs, this.needs.folder), () => {
      this.isFolderUnsynced = false
    })
  })

  private readonly syncNext: Effect.Effect<void> = Effect.suspend(() =>
    this.unsynced.await.pipe(
      Effect.zipRight(Effect.sleep(syncEvery)),
      Effect.zipRight(
        Effect.suspend(() => {
          this.unsynced.unsafeClose()
          this.isUnchecked = false
          const { file, policy } = this
          if (file === undefined || this.refusal !== undefined) return Effect.void
          // Alone, so that the file is not being replaced.
          const check = Effect.suspend(() =>
            this.file !== file || this.refusal !== undefined
              ? Effect.void
              : Effect.zipRight(file.checkPlace, policy === "no" ? Effect.void : this.syncName)
          )
          const sync = policy === "everysec" ? this.backgroundSync.run(file) : Effect.void
          return sync.pipe(
            Effect.catchAll((error) => (this.file === file ? this.fail(error) : Effect.void)),
            Effect.zipRight(this.guarded(this.told(check)))
          )
        })
      )
    )
  )

  private wantRewriteIfLarge(): void {
    const { config } = this.needs.node
    const percentage = Number(config.get("auto-aof-rewrite-percentage"))
    if (percentage === 0 || !this.rewriter.isReady || this.size <= Number(config.get("auto-aof-rewrite-min-size")))
      return
    const growth = (this.size * 100) / Math.max(1, this.baseSize) - 100
    if (growth >= percentage) this.rewriter.begin()
  }

  /** Writes and syncs all records, also those that could not be written before. Nothing else may be done with the file. */
  readonly put: Effect.Effect<void, PlatformError> = Effect.suspend(() => {
    if (this.refusal !== undefined) return this.again
    const sync = Effect.suspend(() => this.file?.sync ?? Effect.void)
    return Effect.zipRight(this.flush, this.told(sync))
  }).pipe(Effect.uninterruptible)

  /** Writes and syncs all records. */
  readonly flushAll: Effect.Effect<void, PlatformError> = this.alone(this.put)

  /** Writes the file anew before the node ends. */
  readonly rewriteNow: Effect.Effect<void, PlatformError> = Effect.suspend(() =>
    this.alone(this.file === undefined ? Effect.void : this.replaceFile)
  )
}
