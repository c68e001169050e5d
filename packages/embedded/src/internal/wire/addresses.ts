/** Whether texts are IP addresses, in the forms that `inet_pton` takes. */

const isByte = (text: string): boolean => /^(0|[1-9]\d{0,2})$/.test(text) && Number(text) <= 255

const isIPv4 = (text: string): boolean => {
  const parts = text.split(".")
  return parts.length === 4 && parts.every(isByte)
}

/** How many groups of 16 bits a part of an IPv6 address has; -1 if it is not a part of one. */
const countGroups = (part: string, mayEndInIPv4: boolean): number => {
  if (part === "") return 0
  const groups = part.split(":")
  const last = groups[groups.length - 1] as string
  const endsInIPv4 = mayEndInIPv4 && isIPv4(last)
  if (endsInIPv4) groups.pop()
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group)) ? groups.length + (endsInIPv4 ? 2 : 0) : -1
}

const isIPv6 = (text: string): boolean => {
  const halves = text.split("::")
  if (halves.length > 2) return false
  const counts = halves.map((half, i) => countGroups(half, i === halves.length - 1))
  if (counts.includes(-1)) return false
  const groups = counts.reduce((sum, count) => sum + count, 0)
  return halves.length === 2 ? groups <= 7 : groups === 8
}

export const isIP = (text: string): boolean => isIPv4(text) || isIPv6(text)
