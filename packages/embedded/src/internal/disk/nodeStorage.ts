/** The files of one node: read when it starts, appended to while it runs, written anew when it ends. */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { flush } from "../node/flush.js"
import type { Disk } from "../node/journal.js"
import type { Node } from "../node/node.js"
import { type Answer, err, Failure, Status } from "../wire/answers.js"
import { AppendOnlyFile } from "./appendOnlyFile.js"
import type { Folder } from "./folder.js"
import { loadFile } from "./loading.js"
import { Damage } from "./recordReader.js"
import { StorageError } from "./storageError.js"
import { describe, unavailable } from "./systemErrors.js"

/** How often the progress of a long load is logged, in ms. */
const progressEvery = 1000

/** How long a clean end waits for the disk, in ms. */
const endWithin = 2000

/** How long the rewrite at a clean end may take, in ms: what takes longer is left to a later start. */
const rewriteWithin = 1000

/**
 * Waits for some ms until something has ended, whatever is interrupted meanwhile. What has not ended then goes on behind the back of
 * the fiber until it can be interrupted: a disk that does not answer must not hold up the end of the program.
 */
const within = <A, E>(work: Effect.Effect<A, E>, millis: number): Effect.Effect<Option.Option<A>, E> =>
  Effect.uninterruptible(
    Effect.gen(function* () {
      const ended = yield* Deferred.make<Option.Option<A>, E>()
      const isLate = Effect.as(Effect.sleep(millis), Option.none<A>())
      // Fibers of their own: an interrupt goes to all children.
      const fibers = yield* Effect.forEach([Effect.asSome(work), isLate], (each) =>
        Effect.forkDaemon(Effect.interruptible(Effect.intoDeferred(each, ended)))
      )
      const exit = yield* Effect.exit(Deferred.await(ended))
      for (const fiber of fibers) yield* Fiber.interruptFork(fiber)
      return yield* exit
    })
  )

const rewriteStarted = new Status("Background append only file rewriting started")
const rewriteUnderWay = err("Background append only file rewriting already in progress")
const notLoaded = new Failure("ERR")
const idNotKept = err("The new id of the node cannot be kept in nodes.conf. Check server logs.")

export interface Needs {
  readonly fs: FileSystem.FileSystem
  readonly folder: Folder
  readonly node: Node
  /** Does work in a turn of the node. */
  readonly turn: (work: () => void) => void
  /** Holds the node still, commands of clients excepted, or lets it go on. */
  readonly hold: (isHeld: boolean) => void
  /** Lets clients go on that had to wait. */
  readonly onRoom: () => void
  /** Runs an effect that ends with the node. */
  readonly fork: (effect: Effect.Effect<void>) => void
}

export class NodeStorage implements Disk {
  private readonly needs: Needs
  readonly journal: AppendOnlyFile
  isLoading = false
  /** Counts how often the node has ended: what a load finds changed, it leaves alone. */
  private run = 0
  private loadBegan = 0
  private loaded = 0
  private toLoad = 0

  constructor(needs: Needs) {
    this.needs = needs
    const { folder, fork, fs, node, onRoom, turn } = needs
    this.journal = new AppendOnlyFile({ fs, node, folder: folder.path, path: folder.aof, turn, onRoom, fork })
  }

  get isOn(): boolean {
    return this.journal.state !== "off"
  }

  /** Whether jobs are to be recorded from the start. */
  private get isWanted(): boolean {
    return this.needs.node.config.get("appendonly") === "yes"
  }

  /** The node begins, so that clients find it loading. */
  begin(): void {
    if (!this.isWanted) return
    this.isLoading = true
    this.needs.hold(true)
  }

  /** Reads the jobs of the file, and goes on to append to it. */
  start(enqueueOnce: boolean): Effect.Effect<void, StorageError> {
    return Effect.suspend(() => {
      if (!this.isWanted) return Effect.void
      const { folder, fs } = this.needs
      const { run } = this
      const cannotWrite = unavailable(folder.aof, "write the file")
      const ifWanted = <A, E>(work: Effect.Effect<A, E>) =>
        Effect.suspend((): Effect.Effect<unknown, E> => (this.run === run ? work : Effect.void))
      const began = Effect.scoped(fs.open(folder.aof, { flag: "a" })).pipe(
        Effect.mapError(cannotWrite),
        Effect.zipRight(this.load(enqueueOnce)),
        Effect.zipRight(ifWanted(Effect.mapError(this.journal.open, cannotWrite)))
      )
      // Before its restart, the node may have begun to write something.
      return Effect.asVoid(this.journal.alone(ifWanted(began)))
    })
  }

  /** Reads the file into the node. */
  private load(enqueueOnce: boolean): Effect.Effect<void, StorageError> {
    return Effect.gen(this, function* () {
      const { folder, fs, hold, node, turn } = this.needs
      const { run } = this
      this.isLoading = true
      this.journal.isMuted = true
      hold(true)
      const loaded = Effect.gen(this, function* () {
        const info = yield* Effect.mapError(fs.stat(folder.aof), unavailable(folder.aof, "read the file"))
        node.tick()
        const began = node.ms
        this.loadBegan = node.seconds
        this.toLoad = Number(info.size)
        this.loaded = 0
        const { end, unfinished } = yield* loadFile(fs, folder.aof, node, {
          enqueueOnce,
          turn: (work) => {
            if (this.run === run) turn(work)
          },
          isOver: () => this.run !== run,
          onProgress: this.progressFrom(began)
        }).pipe(
          Effect.mapError((error) =>
            error instanceof Damage ? this.damaged(error) : unavailable(folder.aof, "read the file")(error)
          )
        )
        if (this.run !== run) return
        if (unfinished > 0) yield* this.cut(end, unfinished)
        node.tick()
        const { size } = node.jobs
        yield* Effect.logInfo(
          `loaded ${size} ${size === 1 ? "job" : "jobs"} from ${folder.aof} in ${(node.ms - began) / 1000} s`
        )
      })
      yield* Effect.ensuring(
        loaded,
        Effect.sync(() => {
          if (this.run !== run) return
          this.isLoading = false
          this.journal.isMuted = false
          hold(false)
        })
      )
    })
  }

  /** Logs once a second how much is read. */
  private progressFrom(began: number): (bytes: number) => Effect.Effect<void> {
    const { folder, node } = this.needs
    let shown = began
    return (bytes) => {
      this.loaded = bytes
      if (node.ms - shown < progressEvery) return Effect.void
      shown = node.ms
      const percent = Math.floor((bytes * 100) / Math.max(1, this.toLoad))
      return Effect.logInfo(`loading ${folder.aof}: ${percent} % (${node.jobs.size} jobs)`)
    }
  }

  private damaged({ offset, reason }: Damage): StorageError {
    const { aof } = this.needs.folder
    return new StorageError({
      path: aof,
      reason: "Damaged",
      offset,
      detail: `damaged at byte ${offset}: ${reason}. "disco aof fix ${aof}" keeps a copy and cuts the file there`
    })
  }

  /** Cuts off a record that is not whole: the process or the system ended while it was written. */
  private cut(end: number, unfinished: number): Effect.Effect<void, StorageError> {
    const { folder, fs, node } = this.needs
    if (node.config.get("aof-load-truncated") === "no") {
      return Effect.fail(this.damaged(new Damage(end, "the last record is not whole, and aof-load-truncated is no")))
    }
    return Effect.zipRight(
      Effect.logWarning(`${folder.aof}: the last record is not whole, its ${unfinished} bytes are cut off at ${end}`),
      Effect.mapError(fs.truncate(folder.aof, end), unavailable(folder.aof, "write the file"))
    )
  }

  /** Ends in good order: all records are kept, and the file tells which jobs are queued. */
  readonly end: Effect.Effect<void> = Effect.suspend(() => {
    if (this.journal.state !== "on") return Effect.void
    // A file that is read is whole.
    if (this.isLoading) return this.journal.drop()
    const { folder } = this.needs
    // A slice or a swap that is under way is waited for.
    const rewritten = Effect.timeoutOption(Effect.interruptible(this.journal.rewriteNow), rewriteWithin)
    const put = Effect.zipRight(this.journal.flushAll, rewritten)
    return within(put, endWithin).pipe(
      Effect.flatMap((done) => {
        if (Option.isSome(done)) return Effect.suspend(() => this.journal.drop())
        // What the disk has not done yet, it may still do: nobody else may use the folder before this process is gone.
        folder.leaveLocked()
        return Effect.logWarning(`${folder.aof} is not written to its end: the disk does not answer`)
      }),
      Effect.catchAll((error) => Effect.logWarning(`${folder.aof} is not written to its end: ${describe(error)}`))
    )
  })

  /** Ends at once, as a process does that is killed. */
  crash(): void {
    this.run++
    this.isLoading = false
    this.needs.fork(this.journal.drop())
  }

  switch(isOn: boolean, done: (failure: Failure | undefined) => void): void {
    const { turn } = this.needs
    const change = isOn ? this.journal.turnOn : this.journal.turnOff
    this.needs.fork(
      Effect.matchEffect(change, {
        onFailure: (error) =>
          Effect.zipRight(
            Effect.logWarning(`${this.needs.folder.aof} cannot be written: ${describe(error)}`),
            Effect.sync(() => turn(() => done(notLoaded)))
          ),
        onSuccess: () => Effect.sync(() => turn(() => done(undefined)))
      })
    )
  }

  rewrite(): Answer {
    return this.journal.rewriter.begin() ? rewriteStarted : rewriteUnderWay
  }

  reload(done: (failure: Failure | undefined) => void): void {
    const { node, turn } = this.needs
    const enqueueOnce = node.config.get("aof-enqueue-jobs-once") === "yes"
    const { journal, run } = this
    // All that the file is to hold is in it, and nothing more comes.
    const isEmptied = Effect.suspend(() => {
      if (journal.unwritten > 0) return Effect.map(journal.put, () => false)
      journal.isMuted = true
      journal.rewriter.giveUp()
      turn(() => flush(node))
      return Effect.succeed(true)
    })
    const again = Effect.suspend(() => {
      if (this.run !== run) return Effect.void
      return journal.put.pipe(
        Effect.zipRight(Effect.repeat(isEmptied, { until: (isDone) => isDone })),
        Effect.mapError(unavailable(this.needs.folder.aof, "write the file")),
        Effect.zipRight(this.load(enqueueOnce))
      )
    }).pipe((work) => journal.alone(work))
    this.needs.fork(
      Effect.matchEffect(again, {
        onFailure: (error) =>
          Effect.zipRight(
            Effect.logWarning(error.message),
            Effect.sync(() => turn(() => done(notLoaded)))
          ),
        onSuccess: () => Effect.sync(() => turn(() => done(undefined)))
      })
    )
  }

  finish(isRewritten: boolean, done: (isKept: boolean) => void): void {
    const { turn } = this.needs
    // A file that is read is whole.
    if (this.isLoading) {
      done(true)
      return
    }
    const finished = isRewritten
      ? Effect.zipRight(this.journal.flushAll, this.journal.rewriteNow)
      : this.journal.flushAll
    this.needs.fork(
      Effect.matchEffect(finished, {
        onFailure: (error) =>
          Effect.zipRight(
            Effect.logWarning(`${this.needs.folder.aof} is not written to its end: ${describe(error)}`),
            Effect.sync(() => turn(() => done(false)))
          ),
        onSuccess: () => Effect.sync(() => turn(() => done(true)))
      })
    )
  }

  keepId(done: (failure: Failure | undefined) => void): void {
    const { folder, node, turn } = this.needs
    this.needs.fork(
      Effect.matchEffect(
        Effect.suspend(() => folder.keepId(node.id)),
        {
          onFailure: (error) =>
            Effect.zipRight(
              Effect.logError(error.message),
              Effect.sync(() => turn(() => done(idNotKept)))
            ),
          onSuccess: () => Effect.sync(() => turn(() => done(undefined)))
        }
      )
    )
  }

  info(): ReadonlyArray<string> {
    const { journal } = this
    const { rewriter } = journal
    const { node } = this.needs
    const flag = (is: boolean): string => (is ? "1" : "0")
    return [
      `loading:${flag(this.isLoading)}`,
      `aof_enabled:${flag(this.isOn)}`,
      `aof_state:${journal.state}`,
      `aof_rewrite_in_progress:${flag(rewriter.isRunning)}`,
      "aof_rewrite_scheduled:0",
      `aof_last_rewrite_time_sec:${rewriter.lastTime}`,
      `aof_current_rewrite_time_sec:${rewriter.began < 0 ? -1 : node.seconds - rewriter.began}`,
      `aof_last_bgrewrite_status:${rewriter.hasFailed ? "err" : "ok"}`,
      `aof_last_write_status:${journal.refusal === undefined ? "ok" : "err"}`,
      ...(this.isOn
        ? [
            `aof_current_size:${journal.size}`,
            `aof_base_size:${journal.baseSize}`,
            "aof_pending_rewrite:0",
            `aof_buffer_length:${journal.unwritten}`,
            `aof_rewrite_buffer_length:${rewriter.uncopied}`,
            `aof_pending_bio_fsync:${flag(journal.backgroundSync.isRunning)}`,
            `aof_delayed_fsync:${node.statistics.delayedSyncs}`
          ]
        : []),
      ...(this.isLoading ? this.progress() : [])
    ]
  }

  private progress(): ReadonlyArray<string> {
    const { node } = this.needs
    const elapsed = node.seconds - this.loadBegan
    const left = this.toLoad - this.loaded
    return [
      `loading_start_time:${node.world.base / 1000 + this.loadBegan}`,
      `loading_total_bytes:${this.toLoad}`,
      `loading_loaded_bytes:${this.loaded}`,
      `loading_loaded_perc:${((this.loaded / Math.max(1, this.toLoad)) * 100).toFixed(2)}`,
      `loading_eta_seconds:${elapsed === 0 ? 1 : Math.floor((elapsed * left) / Math.max(1, this.loaded))}`
    ]
  }
}
