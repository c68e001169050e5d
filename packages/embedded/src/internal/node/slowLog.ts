/** The commands that were slow, for SLOWLOG. */
import { type Argument, headOf } from "../wire/bytes.js"

interface Needs {
  readonly config: {
    /** Commands that take as many µs or more are slow. */
    readonly slowerThan: number
    /** How many of them are kept. */
    readonly slowLogLength: number
  }
  readonly unixSeconds: () => number
}

/** A slow command. */
export interface SlowCommand {
  readonly id: number
  /** When the command ended, in s since 1970. */
  readonly at: number
  readonly micros: number
  /** Its words, cut. */
  readonly words: ReadonlyArray<string>
}

const mostWords = 32
const mostBytes = 128

const cutWord = (argument: Argument): string => {
  const more = argument.length - mostBytes
  return more > 0 ? `${headOf(argument, mostBytes)}... (${more} more bytes)` : headOf(argument, mostBytes)
}

const cutWords = (command: ReadonlyArray<Argument>): ReadonlyArray<string> =>
  command.length <= mostWords
    ? command.map(cutWord)
    : [...command.slice(0, mostWords - 1).map(cutWord), `... (${command.length - mostWords + 1} more arguments)`]

export class SlowLog {
  private readonly needs: Needs
  /** By id, oldest first: the ids have no gaps. */
  private readonly commands = new Map<number, SlowCommand>()
  private nextId = 0

  constructor(needs: Needs) {
    this.needs = needs
  }

  get length(): number {
    return this.commands.size
  }

  /** Logs a command if it was slow, and forgets the oldest commands if there are too many. */
  add(command: ReadonlyArray<Argument>, micros: number): void {
    const { slowLogLength, slowerThan } = this.needs.config
    if (micros >= slowerThan) {
      const id = this.nextId++
      this.commands.set(id, { id, at: this.needs.unixSeconds(), micros, words: cutWords(command) })
    }
    if (this.commands.size <= slowLogLength) return
    for (const id of this.commands.keys()) {
      if (this.commands.size <= slowLogLength) return
      this.commands.delete(id)
    }
  }

  /** The latest `count` commands, latest first; all of them if `count` is negative. */
  latest(count: number): ReadonlyArray<SlowCommand> {
    const latest: Array<SlowCommand> = []
    for (let id = this.nextId - 1; latest.length !== count; id--) {
      const command = this.commands.get(id)
      if (command === undefined) break
      latest.push(command)
    }
    return latest
  }

  /** Forgets all commands. Ids go on. */
  clear(): void {
    this.commands.clear()
  }
}
