import type { EmbeddedDisque } from "@disco/embedded"

/** One of the nodes of the cluster, from 0. */
export const node = ({ nodes }: EmbeddedDisque.Service, at: number) => nodes[at] ?? nodes[0]
