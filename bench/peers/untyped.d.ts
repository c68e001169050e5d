declare module "thunk-disque" {
  export interface Client {
    addjob(...words: ReadonlyArray<string>): Promise<string>
    getjob(...words: ReadonlyArray<string>): Promise<ReadonlyArray<readonly [string, string, string]> | null>
    ackjob(ids: ReadonlyArray<string>): Promise<number>
    clientEnd(): void
    on(event: string, listener: (error: Error) => void): void
    once(event: "connect", listener: () => void): void
  }
  export const createClient: (port: number, host: string, options: { readonly usePromise: true }) => Client
}

declare module "disqueue-node" {
  export type Callback<A> = (error: Error | null, value: A) => void
  export interface Client {
    addJob(
      options: { queue: string; job: string; timeout: number; replicate: number },
      callback: Callback<string>
    ): void
    getJob(options: { queue: string; count: number }, callback: Callback<ReadonlyArray<{ jobId: string }>>): void
    ackJob(ids: ReadonlyArray<string>, callback: Callback<number>): void
    readonly redisClient: { end(flush: boolean): void }
    once(event: "ready", listener: () => void): void
    once(event: "error", listener: (error: Error) => void): void
  }
  const createClient: (options: { readonly host: string; readonly port: number }) => Client
  export default createClient
}
