/** Text in replies. */

/** Quotes the beginning of a text, for messages. */
export const quote = (text: string): string => JSON.stringify(text.slice(0, 80))

/** Whether a reply is the given ASCII text. It compares bytes, and makes no string of the reply. */
export const isText = (reply: unknown, expected: string): boolean => {
  if (!(reply instanceof Uint8Array)) return reply === expected
  if (reply.length !== expected.length) return false
  for (let i = 0; i < reply.length; i++) if (reply[i] !== expected.charCodeAt(i)) return false
  return true
}
