/** How far back figures of the past go. */
import { age, moment } from "../format.js"
import { status } from "../live.js"

export const Since = () => {
  const { value } = status
  if (value === undefined) return null
  return (
    <span title={`${moment(value.startedAt)} UTC`}>
      Rates and lines since start, {age((value.now - value.startedAt) / 1000)} ago
    </span>
  )
}
