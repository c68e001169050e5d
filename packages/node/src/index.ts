export * as NodeAddress from "./NodeAddress.js"
export * as NodeDisque from "./NodeDisque.js"
