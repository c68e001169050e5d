/** RESULTS.md: chapters for real nodes, embedded nodes and other queues, and in each a section for each measurement. */

const preface = `# Results

Written by \`pnpm bench\`; [README.md](README.md) says how. Rates are medians of rounds that take turns, and shares are medians
of the ratios of the same round. A rate by itself says little: the machine and what else it did are in it.
`

const chapters = { real: "Real nodes", embedded: "Embedded nodes", others: "Other queues" } as const

export type Chapter = keyof typeof chapters

/** Splits a text at the lines that begin with `mark`, into the text after each of them by what it says. */
const split = (text: string, mark: string): Map<string, string> => {
  const parts = `\n${text}`.split(`\n${mark} `).slice(1)
  return new Map(
    parts.map((part) => {
      const end = part.indexOf("\n")
      return end < 0 ? [part, ""] : [part.slice(0, end).trim(), part.slice(end + 1).trim()]
    })
  )
}

/** The text of RESULTS.md with a section put in, in the order of `names`, in place of the one of that name. */
export const withSection = (
  text: string,
  chapter: Chapter,
  names: ReadonlyArray<string>,
  name: string,
  section: string
): string => {
  const found = split(text, "##")
  const sectionsOf = (key: Chapter): string => {
    const sections = split(found.get(chapters[key]) ?? "", "###")
    if (key === chapter) sections.set(name, section.trim())
    return names
      .filter((each) => sections.has(each))
      .map((each) => `### ${each}\n\n${sections.get(each)}\n`)
      .join("\n")
  }
  const shown = (Object.keys(chapters) as Array<Chapter>).map((key) => [chapters[key], sectionsOf(key)] as const)
  return [preface, ...shown.filter(([, body]) => body !== "").map(([title, body]) => `## ${title}\n\n${body}`)].join(
    "\n"
  )
}
