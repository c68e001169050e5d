/** Numbers with two digits behind the point, as the `%.2f` of C writes them. */

/** `toFixed` rounds a number that lies in the middle up; C rounds it to the even digit. Only odd eighths lie in the middle. */
export const twoDecimals = (value: number): string => {
  const isMiddle = Number.isInteger(value * 8) && !Number.isInteger(value * 4)
  return (isMiddle ? Math.round(value * 50) / 50 : value).toFixed(2)
}

/** A quotient as the server computes it, in 32 bits. */
export const quotient = (a: number, b: number): number => Math.fround(Math.fround(a) / Math.fround(b))
