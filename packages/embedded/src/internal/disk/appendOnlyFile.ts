/** The append-only file of a node: what is recorded is written, synced as the setting says, and only then answered. */
import type { PlatformError } from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { Client } from "../node/client.js"
import type { Job } from "../node/job.js"
import { release } from "../node/journal.js"
import type { Node } from "../node/node.js"
import { refuseUnkept } from "../node/refusal.js"
import { Failure } from "../wire/answers.js"
import { AofFile } from "./aofFile.js"
import { RecordBuffer } from "./records.js"
import { Rewriter } from "./rewriter.js"
import { syncFolder } from "./rewriting.js"
import { describe } from "./systemErrors.js"

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

/** What is done with the file: nothing, records are appended, or the file is written anew first. */
type State = "off" | "on" | "wait-rewrite"

export class AppendOnlyFile {
  private readonly needs: Needs
  private readonly buffer = new RecordBuffer()
  private readonly dirty = Effect.unsafeMakeLatch()
  private readonly unsynced = Effect.unsafeMakeLatch()
  /** One change of the file at a time. */
  private readonly exclusive = Effect.unsafeMakeSemaphore(1)
  private file: AofFile | undefined
  private wasFull = false
  /** Whether the name of the file may be lost at the end of the system. */
  private isFolderUnsynced = false
  private warned = ""
  state: State = "off"
  /** Whether what happens to jobs is not recorded, because it comes from the file. */
  isMuted = false
  /** How many bytes of records there have been, and how many of them are kept. */
  end = 0
  private kept = 0
  refusal: Failure | undefined
  readonly waiting = new Set<Client>()
  /** The size of the file after the last rewrite, or when it was read, in bytes. */
  baseSize = 0
  readonly rewriter: Rewriter

  constructor(needs: Needs) {
    this.needs = needs
    this.rewriter = new Rewriter({
      ...needs,
      file: () => this.file,
      isFailing: () => this.refusal !== undefined,
      flush: this.flush,
      alone: (work) => this.exclusive.withPermits(1)(Effect.uninterruptible(work)),
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

  isFull(): boolean {
    if (this.end - this.kept < mostWaiting || this.state !== "on") return false
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
    return Effect.map(AofFile.open(fs, path, "r+", this.policy !== "no"), (file) => {
      this.file = file
      this.state = "on"
      this.baseSize = file.size
    })
  })

  /** Begins to record: the file is written anew, as it may be about other jobs. */
  readonly turnOn: Effect.Effect<void, PlatformError> = Effect.suspend(() => {
    this.state = "wait-rewrite"
    return Effect.tapError(this.exclusive.withPermits(1)(this.replaceFile), () => {
      // What waits does so for a file that there is none of.
      release(this, this.end)
      return this.drop()
    })
  })

  /** Stops to record, with all records written and synced. */
  readonly turnOff: Effect.Effect<void, PlatformError> = Effect.suspend(() =>
    Effect.ensuring(
      this.flushAll,
      Effect.suspend(() => this.drop())
    )
  )

  /** Forgets the file and what waits for it at once, as the end of the process does. Gives the effect that closes the file. */
  drop(): Effect.Effect<void> {
    const { file } = this
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
    Effect.all([Effect.forever(this.writeNext), Effect.forever(this.syncNext)], { concurrency: 2, discard: true })
  )

  private readonly writeNext: Effect.Effect<void> = Effect.suspend(() => {
    if (this.refusal !== undefined) return Effect.zipRight(Effect.sleep(attemptEvery), this.attempt)
    return Effect.zipRight(
      this.dirty.await,
      Effect.suspend(() => {
        this.dirty.unsafeClose()
        return this.guarded(this.flush)
      })
    )
  })

  /**
   * Does something about the file; a failure to write is for the clients. Interrupted, it goes on behind the back of the fiber: a
   * disk that does not answer must not hold up the end of the program.
   */
  private guarded(change: Effect.Effect<void, PlatformError>): Effect.Effect<void> {
    return this.exclusive
      .withPermits(1)(Effect.uninterruptible(change))
      .pipe(
        Effect.catchAll((error) => this.fail(error)),
        Effect.disconnect
      )
  }

  private readonly flush: Effect.Effect<void, PlatformError> = Effect.suspend(() => {
    const { end, file } = this
    if (file === undefined || this.refusal !== undefined) return Effect.void
    if (this.buffer.length === 0) return this.syncName
    file.keepsUnsynced = this.policy !== "no"
    const written = file.write(this.buffer.take())
    const safe =
      this.policy === "always"
        ? Effect.zipRight(
            written,
            Effect.all([file.sync, file.checkPlace, this.syncName], { concurrency: 3, discard: true })
          )
        : written
    return Effect.map(safe, () => {
      this.keep(file, end)
      if (file.isDirty) this.unsynced.unsafeOpen()
      this.wantRewriteIfLarge()
    })
  })

  /** The records up to `position` are as safe as the setting says. */
  private keep(file: AofFile, position: number): void {
    if (this.file !== file) return
    this.kept = position
    if (this.waiting.size > 0) release(this, position)
    if (this.wasFull && !this.isFull()) {
      this.wasFull = false
      this.needs.onRoom()
    }
  }

  private fail(error: PlatformError): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.state === "off") return Effect.void
      const text = describe(error)
      const refusal = new Failure(`MISCONF Errors writing to the AOF file: ${text}`)
      this.refusal = refusal
      this.needs.turn(() => refuseUnkept(this.needs.node, this, this.kept, refusal))
      if (this.warned === text) return Effect.void
      this.warned = text
      return Effect.logWarning(`${this.needs.path} cannot be written, changes are refused: ${text}`)
    })
  }

  /** Tries again after a failure. */
  private readonly attempt: Effect.Effect<void> = Effect.suspend(() => {
    const { file } = this
    if (file === undefined) return Effect.void
    const again = Effect.gen(this, function* () {
      if (!(yield* Effect.isSuccess(file.checkPlace))) yield* this.replaceFile
      const end = this.end
      const present = this.file ?? file
      yield* present.write(this.buffer.take())
      if (this.policy !== "no") yield* present.sync
      yield* this.syncName
      this.refusal = undefined
      this.warned = ""
      this.keep(present, end)
      yield* Effect.logInfo(`${this.needs.path} is written again`)
    })
    return this.guarded(again)
  })

  /**
   * Writes the file anew and goes on with it, while no change is answered. What waits to be written follows in the new file: jobs
   * that are there already are not loaded twice.
   */
  private readonly replaceFile: Effect.Effect<void, PlatformError> = Effect.suspend(() => {
    const old = this.file
    return this.rewriter
      .writeAnew((file) => this.adopt(file))
      .pipe(Effect.zipRight(old?.close ?? Effect.void), Effect.zipRight(this.syncName))
  })

  /** Goes on with another file, which has all records that the old one had. */
  private adopt(file: AofFile): void {
    this.file = file
    this.state = "on"
    this.baseSize = file.size
    this.isFolderUnsynced = true
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
          const { file } = this
          if (file === undefined || this.refusal !== undefined) return Effect.void
          const safe = this.policy === "everysec" && file.isDirty ? file.sync : Effect.void
          return Effect.catchAll(Effect.zipRight(safe, file.checkPlace), (error) =>
            this.file === file ? this.fail(error) : Effect.void
          )
        })
      )
    )
  )

  private wantRewriteIfLarge(): void {
    const { config } = this.needs.node
    const percentage = Number(config.get("auto-aof-rewrite-percentage"))
    if (percentage === 0 || this.rewriter.isRunning || this.size <= Number(config.get("auto-aof-rewrite-min-size")))
      return
    const growth = (this.size * 100) / Math.max(1, this.baseSize) - 100
    if (growth >= percentage) this.rewriter.begin()
  }

  /** Writes and syncs all records. */
  readonly flushAll: Effect.Effect<void, PlatformError> = Effect.suspend(() =>
    this.exclusive.withPermits(1)(
      Effect.uninterruptible(
        Effect.zipRight(
          this.flush,
          Effect.suspend(() => this.file?.sync ?? Effect.void)
        )
      )
    )
  )

  /** Writes the file anew before the node ends. */
  readonly rewriteNow: Effect.Effect<void, PlatformError> = Effect.suspend(() =>
    this.exclusive.withPermits(1)(this.file === undefined ? Effect.void : this.replaceFile)
  )
}
