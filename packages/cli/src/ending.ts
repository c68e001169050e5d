/** How the process ends: by a signal, or because nobody reads what it writes. */

/** How long the end may take after a signal, in ms, even if something does not answer. */
const endsWithin = 1800

let status: number | undefined
let signal: string | undefined

/** The exit status once the end has begun. */
export const endingStatus = (): number | undefined => status

/** The signal that began the end, if it was one. */
export const endingSignal = (): string | undefined => signal

// A signal may arrive twice: from the terminal, and from npm, to which the terminal sends it too. The second one must not cut
// the end short that the first one began.
const end = (exitStatus: number, by?: string) => {
  if (status !== undefined) return
  status = exitStatus
  signal = by
  setTimeout(() => {
    process.stderr.write("disco: not all was put away: something does not answer\n")
    process.exit(exitStatus)
  }, endsWithin).unref()
}

/** Notes what ends the process. The runtime of Effect does the rest. */
export const watch = (): void => {
  process.on("SIGINT", () => end(130, "SIGINT"))
  process.on("SIGTERM", () => end(143, "SIGTERM"))
  process.on("SIGHUP", () => {
    end(129, "SIGHUP")
    process.emit("SIGTERM") // the one that the runtime listens for
  })
  // A reader that closes the pipe (`| head`) is no failure.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      end(error.code === "EPIPE" ? 0 : 1)
      process.emit("SIGTERM")
    })
  }
}
