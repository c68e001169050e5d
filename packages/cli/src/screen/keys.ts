/** What a terminal sends, as keys. */

/** A key that was pressed, or text that was pasted. */
export type Input =
  /**
   * The name of a key: the character itself, or a name of several letters: `up`, `down`, `left`, `right`, `pageUp`, `pageDown`, `home`,
   * `end`, `enter`, `escape`, `backspace`, `delete`, `tab`, `ctrl-a` to `ctrl-z`, and `other` for all the rest.
   */
  { readonly _tag: "Key"; readonly name: string } | { readonly _tag: "Paste"; readonly text: string }

const esc = String.fromCharCode(0x1b)

const finals: Readonly<Record<string, string>> = {
  A: "up",
  B: "down",
  C: "right",
  D: "left",
  F: "end",
  H: "home"
}

const numbered: Readonly<Record<string, string>> = {
  1: "home",
  3: "delete",
  4: "end",
  5: "pageUp",
  6: "pageDown",
  7: "home",
  8: "end"
}

const controls: Readonly<Record<number, string>> = {
  8: "backspace",
  9: "tab",
  10: "enter",
  13: "enter",
  127: "backspace"
}

// A sequence that is longer than any terminal sends is no sequence.
const longest = 64

const pasteStart = "200~"
const pasteEnd = `${esc}[201~`

/** The most characters of a paste that are kept. */
const mostPasted = 4096

const key = (name: string): Input => ({ _tag: "Key", name })

/**
 * Decodes what a terminal sends. A sequence may come in several chunks, and Escape is the beginning of each: whether it stands for
 * itself is known only when nothing follows, which the caller tells by `flush`.
 */
export class KeyDecoder {
  private readonly utf8 = new TextDecoder("utf-8", { ignoreBOM: true })
  private rest = ""
  private pasted: string | undefined

  /** Whether something came that is not decoded yet, and that `flush` would take as it is. */
  get isWaiting(): boolean {
    return this.rest !== "" && this.pasted === undefined
  }

  push(chunk: Uint8Array): ReadonlyArray<Input> {
    this.rest += this.utf8.decode(chunk, { stream: true })
    const found: Array<Input> = []
    while (this.rest !== "") {
      const before = this.rest
      const input = this.pasted === undefined ? this.next() : this.paste(this.pasted)
      if (input !== undefined) found.push(input)
      else if (this.rest === before) break
    }
    return found
  }

  /** Nothing follows what came. */
  flush(): ReadonlyArray<Input> {
    if (!this.isWaiting) return []
    const isEscape = this.rest === esc
    this.rest = ""
    return [key(isEscape ? "escape" : "other")]
  }

  /** Takes the next key; undefined if more has to come, or if a paste begins. */
  private next(): Input | undefined {
    if (!this.rest.startsWith(esc)) {
      const [char = ""] = this.rest
      const code = char.charCodeAt(0)
      if (code < 32 || code === 127) {
        return this.take(
          1,
          controls[code] ?? (code > 0 && code < 27 ? `ctrl-${String.fromCharCode(code + 96)}` : "other")
        )
      }
      return this.take(char.length, char)
    }
    if (this.rest.length < 2) return undefined
    const second = this.rest[1]
    if (second === esc) return this.take(1, "escape")
    if (second === "O") {
      if (this.rest.length < 3) return undefined
      const last = this.rest[2] ?? ""
      // On the keypad, Enter is a sequence.
      return this.take(3, last === "M" ? "enter" : (finals[last] ?? "other"))
    }
    // Alt and a character
    if (second !== "[") return this.take(2, "other")
    const sequence = /^([0-?]*[ -/]*)([@-~])/.exec(this.rest.slice(2, longest))
    if (sequence === null) {
      const isBegun = /^[ -?]*$/.test(this.rest.slice(2)) && this.rest.length < longest
      return isBegun ? undefined : this.take(2, "other")
    }
    const [whole, parameters = "", final = ""] = sequence
    if (whole === pasteStart) {
      this.rest = this.rest.slice(2 + whole.length)
      this.pasted = ""
      return undefined
    }
    // With a modifier, as in 1;5A, a key is the same.
    const name = final === "~" ? numbered[parameters.split(";")[0] ?? ""] : finals[final]
    return this.take(2 + whole.length, name ?? "other")
  }

  private paste(before: string): Input | undefined {
    const end = this.rest.indexOf(pasteEnd)
    const sure = end < 0 ? Math.max(0, this.rest.length - pasteEnd.length + 1) : end
    this.pasted = (before + this.rest.slice(0, sure)).slice(0, mostPasted)
    this.rest = this.rest.slice(end < 0 ? sure : end + pasteEnd.length)
    if (end < 0) return undefined
    const text = this.pasted
    this.pasted = undefined
    return { _tag: "Paste", text }
  }

  private take(length: number, name: string): Input {
    this.rest = this.rest.slice(length)
    return key(name)
  }
}
