export * as Funnel from "./Funnel.js"
