/** A search field, which the key / leads to. The id of a job leads to the job. */
import { useEffect, useRef, useState } from "preact/hooks"
import { go, jobAddress } from "../router.js"

export const isJobId = (text: string): boolean => /^D-[0-9a-f]{8}-[A-Za-z0-9+/]{24}-[0-9a-f]{4}$/.test(text)

interface Props {
  readonly value: string
  readonly label: string
  readonly placeholder: string
  readonly onChange: (text: string) => void
}

export const Search = ({ label, onChange, placeholder, value }: Props) => {
  const [text, setText] = useState(value)
  const said = useRef(value)
  // The address can change by itself: back, forward, a link.
  useEffect(() => {
    if (value !== said.current) setText(value)
    said.current = value
  }, [value])
  useEffect(() => {
    if (text === said.current) return
    const timer = setTimeout(() => {
      said.current = text
      onChange(text)
    }, 150)
    return () => clearTimeout(timer)
  }, [text, onChange])
  const id = text.trim()
  return (
    <>
      <input
        class="search"
        type="search"
        data-search
        aria-label={label}
        placeholder={placeholder}
        autocomplete="off"
        spellcheck={false}
        maxLength={1000}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Enter" && isJobId(id) && go(jobAddress(id))}
      />
      {isJobId(id) && <a href={jobAddress(id)}>Open this job</a>}
    </>
  )
}
