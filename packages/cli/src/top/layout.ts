/** How the screen is divided. */
import type { Size } from "../screen/paint.js"

/** Lines above the rows of the list: the cluster, its nodes, what came of the last action, and the head of the list. */
export const headLines = 4

/** The line with the keys. */
export const footLines = 1

/** How many rows of the list are seen; at least one, on whatever screen. */
export const listRows = ({ rows }: Size): number => Math.max(1, rows - headLines - footLines)
