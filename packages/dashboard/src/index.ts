export * as Dashboard from "./Dashboard.js"
export { DashboardApi } from "./DashboardApi.js"
export * as DashboardError from "./DashboardError.js"
