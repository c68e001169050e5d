/** The screen of the terminal that this process has. Whatever ends or stops the process, the terminal is left as it was found. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { UsageError } from "../CliError.js"
import { KeyDecoder } from "./keys.js"
import { enter, leave, type Picture, repaint, type Size } from "./paint.js"
import type { Screen, ScreenEvent } from "./Screen.js"

/** How long after Escape the rest of a sequence may come, in ms. */
const escapeWithin = 50

/** After how long a process counts as not stopped though it was told to, in ms: nobody could let it go on. */
const stopsWithin = 200

class ProcessScreen implements Screen {
  readonly hasColor = !process.env.NO_COLOR
  private readonly keys = new KeyDecoder()
  private readonly onEvent: (event: ScreenEvent) => void
  private isEntered = false
  private isClosed = false
  private isSlow = false
  private shown: Picture | undefined
  private wanted: Picture = { lines: [] }
  private escape: NodeJS.Timeout | undefined
  private stopping: NodeJS.Timeout | undefined

  constructor(onEvent: (event: ScreenEvent) => void) {
    this.onEvent = onEvent
  }

  readonly size = (): Size => ({ columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 })

  readonly show = (picture: Picture): void => {
    this.wanted = picture
    this.paint()
  }

  readonly interrupt = (): void => void process.kill(process.pid, "SIGINT")

  // All processes of the job are stopped, as by the terminal: the shell waits for the first of them, which may be npm.
  readonly suspend = (): void => this.stop(0)

  open(): void {
    process.on("exit", this.leave)
    // Before the message is written, so that it stays on the screen.
    process.on("uncaughtExceptionMonitor", this.leave)
    if (process.platform !== "win32") {
      process.on("SIGTSTP", this.onStop)
      process.on("SIGCONT", this.onContinue)
    }
    process.stdout.on("resize", this.onResize)
    process.stdout.on("drain", this.onDrain)
    process.stdin.on("data", this.onData)
    process.stdin.on("end", this.onEnd)
    process.stdin.on("error", this.onEnd)
    this.enter()
    process.stdin.resume()
  }

  close(): void {
    this.isClosed = true
    clearTimeout(this.escape)
    clearTimeout(this.stopping)
    process.stdin.pause()
    this.leave()
    process.off("exit", this.leave)
    process.off("uncaughtExceptionMonitor", this.leave)
    process.off("SIGTSTP", this.onStop)
    process.off("SIGCONT", this.onContinue)
    process.stdout.off("resize", this.onResize)
    process.stdout.off("drain", this.onDrain)
    process.stdin.off("data", this.onData)
    process.stdin.off("end", this.onEnd)
    // An error may still come, from a terminal that is gone.
  }

  private enter(): void {
    if (this.isEntered || this.isClosed) return
    this.isEntered = true
    this.raw(true)
    process.stdout.write(enter)
    this.shown = undefined
    this.paint()
  }

  private readonly leave = (): void => {
    if (!this.isEntered) return
    this.isEntered = false
    process.stdout.write(leave)
    this.raw(false)
  }

  private raw(isRaw: boolean): void {
    try {
      process.stdin.setRawMode(isRaw)
    } catch {
      // The terminal is gone, which its streams tell.
    }
  }

  private paint(): void {
    if (!this.isEntered || this.isSlow) return
    const text = repaint(this.shown, this.wanted, this.size())
    this.shown = this.wanted
    if (text !== "") this.isSlow = !process.stdout.write(text)
  }

  private readonly onDrain = (): void => {
    this.isSlow = false
    this.paint()
  }

  private readonly onResize = (): void => {
    this.shown = undefined
    this.onEvent({ _tag: "Resized", size: this.size() })
  }

  private readonly onData = (chunk: Uint8Array): void => {
    clearTimeout(this.escape)
    for (const input of this.keys.push(chunk)) this.onEvent(input)
    if (this.keys.isWaiting) {
      this.escape = setTimeout(() => {
        for (const input of this.keys.flush()) this.onEvent(input)
      }, escapeWithin)
    }
  }

  private readonly onEnd = (): void => this.onEvent({ _tag: "Closed" })

  private readonly onStop = (): void => this.stop(process.pid)

  private stop(whom: number): void {
    if (process.platform === "win32") return
    this.leave()
    process.off("SIGTSTP", this.onStop)
    process.kill(whom, "SIGTSTP")
    this.stopping = setTimeout(this.onContinue, stopsWithin)
  }

  private readonly onContinue = (): void => {
    if (this.isClosed) return
    clearTimeout(this.stopping)
    if (!process.listeners("SIGTSTP").includes(this.onStop)) process.on("SIGTSTP", this.onStop)
    // After SIGSTOP, the shell has set the terminal as it likes it.
    if (this.isEntered) this.raw(false)
    this.isEntered = false
    this.enter()
    this.onResize()
  }
}

/** Takes the screen until the scope ends. `onEvent` is told of keys, and of what happens to the terminal. */
export const open = (onEvent: (event: ScreenEvent) => void): Effect.Effect<Screen, UsageError, Scope.Scope> =>
  Effect.gen(function* () {
    if (!process.stdin.isTTY || !process.stdout.isTTY || process.env.TERM === "dumb") {
      return yield* new UsageError({ message: "top needs a terminal: disco queues prints the same once" })
    }
    return yield* Effect.acquireRelease(
      Effect.sync(() => {
        const screen = new ProcessScreen(onEvent)
        screen.open()
        return screen
      }),
      (screen) => Effect.sync(() => screen.close())
    )
  })
