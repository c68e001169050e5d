export * as DiscoTest from "./DiscoTest.js"
export * as DisqueServer from "./DisqueServer.js"
