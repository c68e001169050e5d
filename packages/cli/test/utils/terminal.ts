/** The real program in a pseudo-terminal: keys are pressed, and the screen is read as a person would see it. */
import { spawn } from "@lydell/node-pty"
import xterm from "@xterm/headless"
import { script } from "./process.js"

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

/** The command line of `disco`, for a shell. */
export const disco = (...words: ReadonlyArray<string>): string =>
  [process.execPath, script, ...words].map(quoted).join(" ")

export interface TerminalOptions {
  readonly columns?: number
  readonly rows?: number
  readonly env?: Readonly<Record<string, string>>
}

/** What a start may take on a machine that does other things, in ms. */
const patience = 60_000

/** Starts a program in a terminal of its own. */
export const open = (
  file: string,
  args: ReadonlyArray<string>,
  { columns = 80, env = {}, rows = 24 }: TerminalOptions = {}
) => {
  const { DISQUE_NODES: _, NO_COLOR: __, ...own } = process.env
  const child = spawn(file, [...args], {
    cols: columns,
    rows,
    name: "xterm-256color",
    env: { ...own, XDG_CONFIG_HOME: "/nowhere", ...env }
  })
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true })
  const listeners = new Set<() => void>()
  const told = () => {
    for (const listener of listeners) listener()
  }
  let isEnded = false
  child.onData((data) => terminal.write(data, told))
  const isOther = () => terminal.buffer.active.type === "alternate"
  /** The end of the program. What it has written last is on the screen. */
  const ended = new Promise<{ readonly exitCode: number; readonly signal?: number }>((resolve) =>
    child.onExit(async (exit) => {
      // It may still be on its way. A program that gives the screen back does so with its last words.
      for (let i = 0; i < 50 && (i === 0 || isOther()); i++) await new Promise((later) => setTimeout(later, 100))
      isEnded = true
      told()
      resolve(exit)
    })
  )

  const kill = (signal: NodeJS.Signals) => {
    try {
      process.kill(child.pid, signal)
    } catch {
      // It has ended already.
    }
  }

  /** The lines of the screen, without the spaces at their ends. */
  const lines = (): ReadonlyArray<string> => {
    const { active } = terminal.buffer
    return Array.from(
      { length: terminal.rows },
      // A line keeps what stood beyond its end before the terminal became narrower, where nobody can see it.
      (_, i) =>
        active
          .getLine(active.viewportY + i)
          ?.translateToString(false, 0, terminal.cols)
          .trimEnd() ?? ""
    )
  }
  const screen = () => lines().join("\n")

  /** Waits until the screen is as wanted. */
  const until = (what: string, isWanted: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const end = (act: () => void) => {
        listeners.delete(look)
        clearTimeout(timer)
        act()
      }
      const look = () => {
        if (isWanted()) end(resolve)
        else if (isEnded) end(() => reject(new Error(`it ended before it showed ${what}:\n${screen()}`)))
      }
      const timer = setTimeout(() => end(() => reject(new Error(`it did not show ${what}:\n${screen()}`))), patience)
      listeners.add(look)
      look()
    })

  return {
    pid: child.pid,
    lines,
    screen,
    ended,
    shows: (text: string | RegExp) =>
      until(String(text), () => (typeof text === "string" ? screen().includes(text) : text.test(screen()))),
    hides: (text: string) => until(`no ${text}`, () => !screen().includes(text)),
    /** Whether the screen is the other one, which leaves the usual one as it was. */
    isOther,
    /** Where the terminal would write next, from 0. */
    cursor: () => ({ row: terminal.buffer.active.cursorY, column: terminal.buffer.active.cursorX }),
    press: (keys: string) => child.write(keys),
    resize: (columns: number, rows: number) => {
      terminal.resize(columns, rows)
      child.resize(columns, rows)
    },
    kill,
    /** Ends the program, if it still runs. */
    close: () => {
      if (!isEnded) kill("SIGKILL")
      terminal.dispose()
    }
  }
}

export type Terminal = ReturnType<typeof open>
